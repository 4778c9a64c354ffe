from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from clients.acceptance import is_fresh_accept, wait_for_accept
from clients.address import UnixAddress
from clients.capture_messages import AttemptDecided, AttemptFollowed, AttemptStarted, CaptureEvent
from clients.client import Client
from clients.errors import UnreachableError
from clients.messages import Decision, Evidence, Outcome, Reason
from proto.speakerd.v1 import decision_pb2
from tests.clients.capture_double import CaptureDouble, CaptureServer

NOW = datetime(2025, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(seconds=5)


@pytest.fixture
def client(capture_server: CaptureServer, address: UnixAddress) -> Iterator[Client]:  # noqa: ARG001 - it is what answers
    with Client(address) as client:
        yield client


def decided(
    outcome: Outcome = Outcome.ACCEPT,
    *,
    final: bool = True,
    expires: datetime | None = NOW + LIFETIME,
    kind: type[AttemptDecided | AttemptFollowed] = AttemptDecided,
) -> CaptureEvent:
    evidence = Evidence(1.0, 20.0, 0.0, 7000.0)
    decision = Decision(2.5, outcome, final, Reason.LLR_ABOVE_BOUNDARY, "ada", 0.75, 4.0, 0.98, 1.0, 6.0, None, evidence, ())
    return CaptureEvent("run", 2, NOW, "door", 2.5, kind(1, decision, expires))


@pytest.mark.parametrize(("age", "fresh"), [(-2.0, False), (-1.0, True), (0.0, True), (4.999, True), (5.0, False), (3600.0, False)])
def test_an_accept_is_fresh_until_it_expires_and_never_from_the_future(age: float, *, fresh: bool) -> None:
    assert is_fresh_accept(decided(), NOW + timedelta(seconds=age)) is fresh


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.ACCEPT])
def test_only_an_accept_is_fresh(outcome: Outcome) -> None:
    assert not is_fresh_accept(decided(outcome), NOW)


def test_who_speaks_on_is_accepted_anew() -> None:
    assert is_fresh_accept(decided(kind=AttemptFollowed), NOW)
    assert not is_fresh_accept(decided(kind=AttemptFollowed, final=False, expires=None), NOW)


def test_what_is_not_final_or_does_not_tell_its_expiry_is_not_fresh() -> None:
    assert not is_fresh_accept(decided(final=False), NOW)
    assert not is_fresh_accept(decided(expires=None), NOW)
    assert not is_fresh_accept(CaptureEvent("run", 2, NOW, "door", 2.5, AttemptStarted(1, 0.5)), NOW)


def publish(captures: CaptureDouble) -> None:
    """Decide everything that must not count, and then what must."""
    captures.subscribed.acquire()
    captures.decide(speaker="ada", final=False)
    captures.decide(decision_pb2.OUTCOME_REJECT, speaker="ada")
    captures.decide(decision_pb2.OUTCOME_UNDECIDED, speaker="ada")
    captures.decide(speaker="bob")
    captures.decide(speaker="ada", age=60.0, lifetime=5.0)
    captures.decide(speaker="ada", age=-60.0)
    captures.decide(speaker="ada", lifetime=55.0)


def test_it_returns_the_first_fresh_accept_of_the_speaker(client: Client, captures: CaptureDouble) -> None:
    threading.Thread(target=publish, args=[captures]).start()

    event = wait_for_accept(client, "ada", 60.0, ["door"])

    assert event is not None
    assert event.sequence == captures.sequence
    assert isinstance(event.event, AttemptDecided)
    assert event.event.expires == event.time + timedelta(seconds=55)
    request = captures.requests[0]
    assert (request.speaker, request.decisions_only, list(request.captures)) == ("ada", True, ["door"])
    assert captures.ended.wait(10)


def test_nothing_comes_of_an_earlier_one(client: Client, captures: CaptureDouble) -> None:
    captures.decide(speaker="ada")

    assert wait_for_accept(client, "ada", 0.1) is None


def test_it_survives_a_lost_connection(client: Client, captures: CaptureDouble, capture_server: CaptureServer) -> None:
    def restart() -> None:
        captures.subscribed.acquire()
        capture_server.stop()
        capture_server.start()
        publish(captures)

    threading.Thread(target=restart).start()

    assert wait_for_accept(client, "ada", 60.0) is not None


def test_no_daemon_is_no_answer(address: UnixAddress) -> None:
    with Client(address) as client, pytest.raises(UnreachableError, match="start it with `speakerd serve`"):
        wait_for_accept(client, "ada", 0.1)
