from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from daemon.errors import SubscriberTooSlowError
from daemon.events import AttemptDecided, Candidate, Outcome
from daemon.watch.capture_events import CaptureChange, CaptureEvent, Published
from daemon.watch.subscriber import Subscriber, Wanted
from tests.daemon.captured import NOW, changed, decided, followed, interim, level, locked, speaker_changed, started


def tell(event: Published, capture: str = "kitchen") -> CaptureEvent:
    return CaptureEvent("run", 1, NOW, capture, event)


def offered(subscriber: Subscriber, *events: Published, capture: str = "kitchen") -> Subscriber:
    for event in events:
        subscriber.offer(tell(event, capture))
    return subscriber


async def held(subscriber: Subscriber) -> list[Published]:
    """Take what can be taken without waiting."""
    found: list[Published] = []
    try:
        while True:
            found.append((await asyncio.wait_for(subscriber.next(), 0.01)).event)
    except TimeoutError:
        return found


def subscriber(wanted: Wanted | None = None, size: int = 100) -> Subscriber:
    return Subscriber(wanted or Wanted(levels=True), size, ())


async def test_events_come_in_order() -> None:
    events: list[Published] = [started(), interim(), level(), decided(), changed()]
    assert await held(offered(subscriber(), *events)) == events


async def test_next_waits_for_an_event() -> None:
    waiting = subscriber()
    next_event = asyncio.create_task(waiting.next())
    await asyncio.sleep(0)
    assert not next_event.done()
    offered(waiting, decided())
    assert (await next_event).event == decided()


async def test_interim_decisions_and_levels_are_dropped_first() -> None:
    full = offered(subscriber(size=3), level(1), interim(2), started(3), decided(at=4), changed())
    assert await held(full) == [started(3), decided(at=4), changed()]
    assert full.dropped == 2


async def test_the_oldest_of_them_is_dropped() -> None:
    assert await held(offered(subscriber(size=3), *(level(at) for at in range(10)))) == [level(7), level(8), level(9)]


async def test_they_are_dropped_where_there_is_no_room_for_them() -> None:
    full = offered(subscriber(size=2), started(), decided(), level(), interim())
    assert await held(full) == [started(), decided()]
    assert full.dropped == 2


async def test_room_is_counted_again_after_reading() -> None:
    full = offered(subscriber(size=2), level(1), started())
    assert await held(full) == [level(1), started()]
    assert await held(offered(full, decided(), level(2), started())) == [decided(), started()]
    assert full.dropped == 1


async def test_what_may_not_be_left_out_cuts_off() -> None:
    calls: list[str] = []
    full = Subscriber(Wanted(), 2, (), lambda: calls.append("overflow"))
    offered(full, started(), decided())
    assert calls == []
    offered(full, decided())
    offered(full, decided())
    assert calls == ["overflow"]
    with pytest.raises(SubscriberTooSlowError, match=r"2 events wait to be read.*\(subscriptions\.queue\): read faster") as caught:
        await full.next()
    assert caught.value.metadata == {"limit": "2"}
    with pytest.raises(SubscriberTooSlowError):
        full.check()


async def test_who_waits_is_not_cut_off() -> None:
    reading = subscriber(size=1)
    for number in range(50):
        next_event = asyncio.create_task(reading.next())
        await asyncio.sleep(0)
        offered(reading, started(number))
        assert (await next_event).event == started(number)
    reading.check()


async def test_a_backlog_is_filtered_and_comes_first() -> None:
    backlog = [tell(started()), tell(decided(), "hall"), tell(decided())]
    resumed = Subscriber(Wanted(frozenset({"kitchen"})), 1, backlog)
    assert await held(offered(resumed, changed())) == [started(), decided(), changed()]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [changed(), started(), interim(), decided()]),
        (Wanted(levels=True), [changed(), started(), level(), interim(), decided()]),
        (Wanted(decisions_only=True, levels=True), [changed(), decided()]),
        (Wanted(speaker="anna"), [changed(), started(), interim(), decided()]),
        (Wanted(speaker="ben"), [changed(), started()]),
        (Wanted(speaker="ben", decisions_only=True), [changed()]),
        (Wanted(frozenset({"kitchen"})), [changed(), started(), interim(), decided()]),
        (Wanted(frozenset({"hall"})), []),
    ],
)
async def test_only_what_is_wanted_comes(wanted: Wanted, expected: list[Published]) -> None:
    assert await held(offered(subscriber(wanted), changed(), started(), level(), interim(), decided())) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [followed(final=False), followed(), speaker_changed(), locked()]),
        (Wanted(decisions_only=True), [followed(), speaker_changed(), locked()]),
        (Wanted(speaker="anna", decisions_only=True), [followed(), speaker_changed(), locked()]),
        (Wanted(speaker="ben"), []),
    ],
)
async def test_what_becomes_of_an_acceptance_is_told_as_the_decision_was(wanted: Wanted, expected: list[Published]) -> None:
    assert await held(offered(subscriber(wanted), followed(final=False), followed(), speaker_changed(), locked())) == expected


async def test_that_somebody_else_speaks_is_never_left_out() -> None:
    assert await held(offered(subscriber(size=2), followed(final=False), speaker_changed(), locked())) == [speaker_changed(), locked()]


async def test_a_decision_that_names_nobody_is_about_everybody() -> None:
    nobody = decided(Outcome.UNDECIDED, speaker="")
    assert await held(offered(subscriber(Wanted(speaker="ben")), nobody)) == [nobody]


async def test_a_decision_between_two_speakers_is_about_both() -> None:
    candidates = tuple(Candidate(name, 0.7) for name in ("anna", "ben", "cleo"))
    between = replace(decided(Outcome.AMBIGUOUS).decision, candidates=candidates)
    told = tell(AttemptDecided(0, 1, between))
    assert [Wanted(speaker=name).includes(told) for name in ("anna", "ben", "cleo")] == [True, True, False]


async def test_interim_decisions_and_levels_can_be_thinned() -> None:
    thinned = subscriber(Wanted(minimum_interval=100, levels=True))
    offered(thinned, interim(10), level(10), interim(60), level(109), interim(110), level(110), decided(at=111), decided(at=112))
    assert await held(thinned) == [interim(10), level(10), interim(110), level(110), decided(at=111), decided(at=112)]


async def test_each_capture_is_thinned_by_itself() -> None:
    thinned = subscriber(Wanted(minimum_interval=100, levels=True))
    offered(thinned, level(10), capture="kitchen")
    offered(thinned, level(20), capture="hall")
    offered(thinned, level(30), capture="kitchen")
    assert await held(thinned) == [level(10), level(20)]


async def test_a_capture_that_starts_anew_is_thinned_anew() -> None:
    thinned = subscriber(Wanted(minimum_interval=100, levels=True))
    offered(thinned, level(1_000), changed(CaptureChange.STOPPED), changed(CaptureChange.STARTED), level(0), level(50))
    assert [event for event in await held(thinned) if event in {level(1_000), level(0), level(50)}] == [level(1_000), level(0)]
