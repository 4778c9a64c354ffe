from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import grpc
import pytest

from clients import protocol
from clients.address import UnixAddress
from clients.errors import DaemonError, NoSpeakersError, ProtocolError
from clients.messages import VerificationEvent
from clients.stream import Stream, converse
from proto.speakerd.v1 import decision_pb2, verification_pb2, verification_pb2_grpc
from tests.clients.double import Double, decision, failure

Requests = Iterator[verification_pb2.VerifyRequest]


@pytest.fixture
def channel(double: Double, address: UnixAddress) -> Iterator[grpc.Channel]:  # noqa: ARG001 - it is what answers
    with grpc.insecure_channel(address.target) as channel:
        yield channel


@pytest.fixture
def silence() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def start(channel: grpc.Channel, address: UnixAddress, requests: Requests) -> Stream[VerificationEvent]:
    return converse(verification_pb2_grpc.VerificationServiceStub(channel).Verify, requests, protocol.verification_event, address)


def waiting(silence: threading.Event) -> Requests:
    yield verification_pb2.VerifyRequest(audio=b"ab")
    silence.wait()


def test_any_thread_may_close_it(channel: grpc.Channel, address: UnixAddress, double: Double, silence: threading.Event) -> None:
    stream = start(channel, address, waiting(silence))
    threading.Timer(0.01, stream.close).start()

    with pytest.raises(DaemonError) as caught:
        next(stream)

    assert caught.value.reason == "CANCELLED"
    assert double.ended.wait(10)


def test_one_that_nobody_holds_is_cancelled(channel: grpc.Channel, address: UnixAddress, double: Double, silence: threading.Event) -> None:
    stream = start(channel, address, waiting(silence))
    assert double.began.wait(10)

    del stream

    assert double.ended.wait(10)


def test_a_response_that_cannot_be_read_ends_it(channel: grpc.Channel, address: UnixAddress, double: Double) -> None:
    double.answers = [decision(decision_pb2.OUTCOME_ACCEPT, 0.7), decision(decision_pb2.OUTCOME_ACCEPT, 0.7)]
    double.answers[0].decision.outcome = 99  # type: ignore[assignment]
    stream = start(channel, address, iter([verification_pb2.VerifyRequest()]))

    with pytest.raises(ProtocolError, match="update the client"):
        next(stream)

    assert double.ended.wait(10)


def test_what_the_daemon_said_counts_more_than_requests_that_fail_afterwards(
    channel: grpc.Channel, address: UnixAddress, double: Double
) -> None:
    double.failure = failure(grpc.StatusCode.FAILED_PRECONDITION, "NO_SPEAKERS_ENROLLED", "enroll someone first")
    answered = threading.Event()

    def fails_late() -> Requests:
        if answered.wait():
            raise ValueError("microphone unplugged")
        yield verification_pb2.VerifyRequest()

    stream = start(channel, address, fails_late())
    for _ in range(10):
        with pytest.raises(NoSpeakersError):
            next(stream)
        answered.set()
        time.sleep(0.005)
