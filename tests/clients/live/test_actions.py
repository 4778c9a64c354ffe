from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from clients.address import UnixAddress
from clients.client import Client
from clients.live.actions import Actions
from clients.live.model import Delete, Deleted, Enroll, EnrollmentFailed, Failed, GiveUp, Known, ListSpeakers, Message
from clients.messages import Enrolled, EnrollmentProgress, EnrollMode
from proto.speakerd.v1 import enrollment_pb2
from tests.clients.capture_double import CaptureDouble, serving_captures
from tests.clients.double import Double

WAIT = 30.0


@pytest.fixture
def inbox() -> SimpleQueue[Message]:
    return SimpleQueue()


@pytest.fixture
def actions(address: UnixAddress, inbox: SimpleQueue[Message]) -> Iterator[Actions]:
    with Client(address) as client:
        yield Actions(client, "door", inbox)


@pytest.fixture
def captures(address: UnixAddress) -> Iterator[CaptureDouble]:
    captures = CaptureDouble()
    with serving_captures(captures, address.target):
        yield captures


def test_an_enrollment_tells_its_progress_and_its_result(actions: Actions, inbox: SimpleQueue[Message], captures: CaptureDouble) -> None:
    actions.carry_out(Enroll("ada", EnrollMode.ADD))

    assert isinstance(inbox.get(timeout=WAIT), EnrollmentProgress)
    assert isinstance(inbox.get(timeout=WAIT), Enrolled)
    (request,) = captures.enrollments
    assert (request.capture, request.speaker, request.mode) == ("door", "ada", enrollment_pb2.ENROLL_MODE_ADD)


def test_an_enrollment_that_is_refused_tells_why(actions: Actions, inbox: SimpleQueue[Message], captures: CaptureDouble) -> None:
    captures.captures.clear()

    actions.carry_out(Enroll("ada", EnrollMode.CREATE))

    assert inbox.get(timeout=WAIT) == EnrollmentFailed("there is no capture 'door'")


def test_an_enrollment_that_is_given_up_says_nothing_more(actions: Actions, inbox: SimpleQueue[Message], captures: CaptureDouble) -> None:
    actions.carry_out(Enroll("ada", EnrollMode.CREATE))
    assert isinstance(inbox.get(timeout=WAIT), EnrollmentProgress)
    actions.carry_out(GiveUp())

    assert captures.ended.wait(WAIT)
    while not inbox.empty():
        assert not isinstance(inbox.get(), EnrollmentFailed)


def test_speakers_are_listed_and_deleted(actions: Actions, inbox: SimpleQueue[Message], double: Double) -> None:
    for name in ("bob", "ada", "cleo"):
        double.add(name)

    actions.carry_out(ListSpeakers())
    assert inbox.get(timeout=WAIT) == Known(("ada", "bob", "cleo"))
    actions.carry_out(Delete("bob"))
    assert inbox.get(timeout=WAIT) == Deleted("bob")
    actions.carry_out(Delete("bob"))
    assert inbox.get(timeout=WAIT) == Failed("nobody is enrolled as 'bob'")


def test_a_daemon_that_is_gone(actions: Actions, inbox: SimpleQueue[Message]) -> None:
    actions.carry_out(ListSpeakers())

    assert isinstance(inbox.get(timeout=WAIT), Failed)
