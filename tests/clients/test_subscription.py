from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import grpc
import pytest

from clients.address import UnixAddress
from clients.capture_messages import (
    AttemptDecided,
    AttemptStarted,
    Capture,
    CaptureChange,
    CaptureChanged,
    CaptureCounters,
    CaptureEvent,
    CaptureState,
    Level,
    SubscribeConfig,
    Subscribed,
)
from clients.client import Client
from clients.errors import InvalidRequestError, SubscriberTooSlowError, UnreachableError
from clients.subscription import LAST_RETRY, Disconnected, Gap, Position, Subscription, SubscriptionEvent
from proto.speakerd.v1 import capture_event_pb2
from tests.clients.capture_double import CaptureDouble, CaptureServer
from tests.clients.double import failure

NOW = datetime(2025, 1, 1, tzinfo=UTC)
CONFIG = SubscribeConfig(["door"], decisions_only=True)
TOO_SLOW = failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "SUBSCRIBER_TOO_SLOW", "read faster")


@pytest.fixture
def subscription(capture_server: CaptureServer, address: UnixAddress, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subscription]:  # noqa: ARG001 - it is what answers
    monkeypatch.setattr("clients.subscription.FIRST_RETRY", 0.01)
    with Client(address) as client, Subscription(client, CONFIG) as subscription:
        yield subscription


def subscribed(sequence: int, run_id: str = "one") -> CaptureEvent:
    return CaptureEvent(run_id, 0, NOW, "", 0.0, Subscribed((), sequence))


def event(sequence: int, run_id: str = "one") -> CaptureEvent:
    return CaptureEvent(run_id, sequence, NOW, "door", 1.0, AttemptStarted(sequence, 0.5))


def level(run_id: str = "one") -> CaptureEvent:
    return CaptureEvent(run_id, 0, NOW, "door", 1.0, Level(-20.0, -10.0, speech=True))


def heard(position: Position, *events: CaptureEvent) -> list[CaptureEvent | Gap]:
    return [heard for event in events for heard in position.hear(event)]


def test_a_position_is_that_of_the_last_event() -> None:
    position = Position(CONFIG)
    assert (position.request().after, position.request().run_id) == (0, "")

    assert heard(position, subscribed(7), event(8), level(), event(12)) == [subscribed(7), event(8), level(), event(12)]

    assert position.request() == SubscribeConfig(["door"], decisions_only=True, after=12, run_id="one")


def test_a_position_without_events_is_that_of_the_beginning() -> None:
    position = Position(CONFIG)
    heard(position, subscribed(7))

    assert (position.request().after, position.request().run_id) == (7, "one")


def test_what_was_missed_is_heard_after_resuming() -> None:
    position = Position(CONFIG)
    heard(position, subscribed(7), event(8))

    assert heard(position, subscribed(10), event(9), event(10)) == [subscribed(10), event(9), event(10)]


def test_what_was_heard_is_not_heard_again() -> None:
    position = Position(CONFIG)
    heard(position, subscribed(7), event(8), event(9))

    assert heard(position, event(9), event(8), event(9, "other"), level("other")) == []


@pytest.mark.parametrize(("newest", "run_id", "restarted"), [(30, "one", False), (30, "two", True), (1, "two", True)])
def test_history_that_is_gone_is_a_gap(newest: int, run_id: str, *, restarted: bool) -> None:
    position = Position(CONFIG)
    heard(position, subscribed(7), event(8))

    position.gone()
    assert (position.request().after, position.request().run_id) == (0, "")
    first, following = subscribed(newest, run_id), event(newest + 1, run_id)

    assert heard(position, first, event(newest, run_id), following) == [Gap(restarted), first, following]
    assert (position.request().after, position.request().run_id) == (newest + 1, run_id)


def test_a_new_run_is_a_gap_even_if_the_daemon_does_not_say_so() -> None:
    position = Position(CONFIG)
    heard(position, subscribed(7))

    assert heard(position, subscribed(9, "two"), event(10, "two"))[0] == Gap(restarted=True)


def test_sequences_that_went_back_are_a_gap() -> None:
    position = Position(CONFIG)
    heard(position, subscribed(7))

    assert heard(position, subscribed(5), event(6)) == [Gap(restarted=False), subscribed(5), event(6)]


def test_events_are_read_whole(subscription: Subscription, captures: CaptureDouble) -> None:
    captures.failure = None
    first = next(subscription)
    captures.decide(speaker="ada", lifetime=5.0)
    captures.change(capture_event_pb2.CAPTURE_CHANGE_CLIPPING_STARTED)
    decided, changed = next(subscription), next(subscription)

    door = Capture("door", "USB", CaptureState.LISTENING, "", 61.5, CaptureCounters(1, 2, 3, 4))
    assert isinstance(first, CaptureEvent)
    assert first.event == Subscribed((door,), 1)
    assert isinstance(decided, CaptureEvent)
    assert (decided.run_id, decided.sequence, decided.capture, decided.at) == ("run-1", 2, "door", 2.5)
    assert isinstance(decided.event, AttemptDecided)
    assert (decided.event.decision.speaker, decided.event.decision.at) == ("ada", 2.5)
    assert decided.event.expires is not None
    assert (decided.event.expires - decided.time).total_seconds() == 5.0
    assert isinstance(changed, CaptureEvent)
    assert changed.event == CaptureChanged(CaptureChange.CLIPPING_STARTED, door)


def test_it_goes_on_after_a_lost_connection(subscription: Subscription, captures: CaptureDouble, capture_server: CaptureServer) -> None:
    next(subscription)
    captures.decide(speaker="ada")
    next(subscription)

    capture_server.stop()
    assert isinstance(lost := next(subscription), Disconnected)
    assert isinstance(lost.error, UnreachableError)
    captures.decide(speaker="bob")
    capture_server.start()
    following = until_subscribed(subscription)
    missed = next(subscription)

    assert not [event for event in following if isinstance(event, Gap)]
    assert isinstance(missed, CaptureEvent)
    assert isinstance(missed.event, AttemptDecided)
    assert missed.event.decision.speaker == "bob"
    assert (captures.requests[-1].after_sequence, captures.requests[-1].run_id) == (2, "run-1")
    assert list(captures.requests[-1].captures) == ["door"]


def test_a_daemon_that_was_restarted_is_a_gap(subscription: Subscription, captures: CaptureDouble, capture_server: CaptureServer) -> None:
    next(subscription)
    captures.decide()
    next(subscription)

    capture_server.stop()
    captures.restart()
    capture_server.start()
    following = until_subscribed(subscription)
    captures.decide(speaker="bob")
    decided = next(subscription)

    assert [event for event in following if isinstance(event, Gap)] == [Gap(restarted=True)]
    assert isinstance(decided, CaptureEvent)
    assert (decided.run_id, decided.sequence) == ("run-1'", 2)


def test_history_that_the_daemon_dropped_is_a_gap(subscription: Subscription, captures: CaptureDouble) -> None:
    next(subscription)
    for _ in range(3):
        captures.miss(capture_event_pb2.CaptureEvent())
    del captures.history[:2]
    captures.cut()

    assert [event for event in until_subscribed(subscription) if isinstance(event, Gap)] == [Gap(restarted=False)]


def test_a_subscriber_that_was_too_slow_goes_on(subscription: Subscription, captures: CaptureDouble) -> None:
    next(subscription)
    captures.cut(TOO_SLOW)

    lost = next(subscription)

    assert isinstance(lost, Disconnected)
    assert isinstance(lost.error, SubscriberTooSlowError)
    assert not [event for event in until_subscribed(subscription) if isinstance(event, Gap)]


def test_tries_are_further_and_further_apart(subscription: Subscription, captures: CaptureDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.subscription.LAST_RETRY", 0.05)
    captures.failure = failure(grpc.StatusCode.UNAVAILABLE, "DAEMON_STOPPING", "the daemon is stopping")
    pauses = [event.retry for event in (next(subscription) for _ in range(5)) if isinstance(event, Disconnected)]
    captures.failure = None
    until_subscribed(subscription)
    captures.cut()
    again = next(subscription)

    assert pauses == [0.01, 0.02, 0.04, 0.05, 0.05]
    assert isinstance(again, Disconnected)
    assert again.retry == 0.01


def test_what_trying_again_does_not_mend_is_raised(subscription: Subscription, captures: CaptureDouble) -> None:
    captures.failure = failure(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME", "a name is empty")

    with pytest.raises(InvalidRequestError, match="a name is empty"):
        next(subscription)


def test_any_thread_may_close_it(subscription: Subscription, captures: CaptureDouble) -> None:
    next(subscription)
    threading.Timer(0.01, subscription.close).start()

    assert list(subscription) == []
    assert captures.ended.wait(10)


def test_it_can_be_closed_between_two_tries(address: UnixAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.subscription.FIRST_RETRY", LAST_RETRY * 100)
    with Client(address) as client, Subscription(client, CONFIG) as subscription:
        assert isinstance(next(subscription), Disconnected)
        threading.Timer(0.01, subscription.close).start()

        assert list(subscription) == []


def until_subscribed(subscription: Subscription) -> list[SubscriptionEvent]:
    """Return what comes before the next subscription stands."""
    before: list[SubscriptionEvent] = []
    for event in subscription:
        if isinstance(event, CaptureEvent) and isinstance(event.event, Subscribed):
            break
        before.append(event)
    return before
