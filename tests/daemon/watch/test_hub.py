from __future__ import annotations

from datetime import timedelta

import pytest

from daemon.config import SubscriptionsConfig
from daemon.errors import HistoryGoneError, SubscriberTooSlowError, TooManySubscribersError
from daemon.events import Outcome
from daemon.watch.capture_events import Published
from daemon.watch.hub import Hub
from daemon.watch.subscriber import Subscriber, Wanted
from tests.daemon.captured import NOW, changed, decided, followed, interim, level, locked, speaker_changed, started

ALL = Wanted(levels=True)


def hub(*, queue: int = 4, history: int = 3, subscribers: int = 2) -> Hub:
    config = SubscriptionsConfig(queue=queue, history=history, subscribers=subscribers, decision_expiry_seconds=5.0)
    return Hub(config, now=lambda: NOW)


async def taken(subscriber: Subscriber, count: int) -> list[Published]:
    return [(await subscriber.next()).event for _ in range(count)]


async def test_every_subscriber_hears_every_event() -> None:
    events: list[Published] = [changed(), started(), interim(), decided()]
    told = hub()
    with told.subscribed(ALL) as first, told.subscribed(ALL) as second:
        for event in events:
            told.publish("kitchen", event)
        assert [await taken(each, 4) for each in (first, second)] == [events, events]


async def test_what_is_kept_is_numbered_without_gaps() -> None:
    told = hub()
    numbers = [told.publish("kitchen", event).sequence for event in (started(), level(), interim(), decided(), level(), changed())]
    assert numbers == [2, 0, 0, 3, 0, 4]
    assert told.sequence == 4


async def test_there_is_a_place_to_resume_after_before_anything_happened() -> None:
    told = hub()
    before = told.sequence
    assert before > 0
    told.publish("kitchen", started())
    with told.subscribed(ALL, after=before, run_id=told.run_id) as subscriber:
        assert await taken(subscriber, 1) == [started()]


async def test_events_carry_the_run_and_the_time() -> None:
    told = hub()
    event = told.publish("kitchen", started())
    assert (event.run_id, event.time, event.capture) == (told.run_id, NOW, "kitchen")
    assert hub().run_id != told.run_id


@pytest.mark.parametrize(
    "event",
    [
        decided(Outcome.REJECT),
        decided(Outcome.AMBIGUOUS),
        interim(),
        decided(final=False),
        followed(final=False),
        speaker_changed(),
        locked(),
        started(),
        level(),
    ],
)
async def test_only_a_final_acceptance_expires(event: Published) -> None:
    assert hub().publish("kitchen", event).expires is None


@pytest.mark.parametrize("event", [decided(Outcome.ACCEPT), followed()])
async def test_an_acceptance_expires_when_the_settings_say(event: Published) -> None:
    assert hub().publish("kitchen", event).expires == NOW + timedelta(seconds=5)


async def test_what_becomes_of_an_acceptance_is_kept() -> None:
    events = hub()
    kept = [events.publish("kitchen", event).sequence for event in (followed(), speaker_changed(), locked())]
    assert kept == [2, 3, 4]
    assert events.publish("kitchen", followed(final=False)).sequence == 0


async def test_who_resumes_hears_what_came_meanwhile_and_then_what_comes() -> None:
    told = hub()
    numbers = [told.publish("kitchen", started(number)).sequence for number in range(1, 4)]
    with told.subscribed(ALL, after=numbers[0], run_id=told.run_id) as subscriber:
        told.publish("kitchen", started(4))
        assert await taken(subscriber, 3) == [started(2), started(3), started(4)]


async def test_who_resumes_after_the_newest_event_hears_what_comes() -> None:
    told = hub()
    newest = told.publish("kitchen", started()).sequence
    with told.subscribed(ALL, after=newest, run_id=told.run_id) as subscriber:
        told.publish("kitchen", decided())
        assert await taken(subscriber, 1) == [decided()]


async def test_more_may_be_resumed_than_a_queue_holds() -> None:
    told = hub(queue=1, history=10)
    for number in range(10):
        told.publish("kitchen", started(number))
    with told.subscribed(ALL, after=1, run_id=told.run_id) as subscriber:
        assert await taken(subscriber, 10) == [started(number) for number in range(10)]


async def test_what_is_not_kept_any_more_cannot_be_resumed() -> None:
    told = hub(history=3)
    numbers = [told.publish("kitchen", started(number)).sequence for number in range(5)]
    with told.subscribed(ALL, after=numbers[1], run_id=told.run_id) as subscriber:
        assert await taken(subscriber, 3) == [started(2), started(3), started(4)]
    with (
        pytest.raises(HistoryGoneError, match=r"only what followed 3 \(subscriptions.history\)"),
        told.subscribed(ALL, after=numbers[0], run_id=told.run_id),
    ):
        pass


@pytest.mark.parametrize("run_id", ["", "another"])
async def test_another_run_cannot_be_resumed(run_id: str) -> None:
    told = hub()
    number = told.publish("kitchen", started()).sequence
    with pytest.raises(HistoryGoneError, match="another run"), told.subscribed(ALL, after=number, run_id=run_id):
        pass


async def test_the_future_cannot_be_resumed() -> None:
    told = hub()
    with pytest.raises(HistoryGoneError, match="another run"), told.subscribed(ALL, after=told.sequence + 1, run_id=told.run_id):
        pass


async def test_no_more_subscribers_are_let_in_than_are_allowed() -> None:
    told = hub(subscribers=2)
    with told.subscribed(ALL), told.subscribed(ALL):
        with pytest.raises(TooManySubscribersError, match=r"2 subscribers are there.*subscriptions\.subscribers"), told.subscribed(ALL):
            pass
        assert told.subscribers == 2
    with told.subscribed(ALL):
        assert told.subscribers == 1
    assert told.subscribers == 0


async def test_a_slow_subscriber_holds_up_nobody() -> None:
    told = hub(queue=2)
    with told.subscribed(ALL) as slow, told.subscribed(ALL) as quick:
        for number in range(100):
            told.publish("kitchen", started(number))
            assert await taken(quick, 1) == [started(number)]
        with pytest.raises(SubscriberTooSlowError):
            await slow.next()
