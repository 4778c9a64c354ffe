"""The client's methods for captures, subscriptions and feeds, blocking and asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing

import grpc
import pytest

from clients.address import UnixAddress
from clients.aio import AsyncClient
from clients.audio import AsyncAudio, Audio, AudioFormat, Encoding
from clients.capture_messages import AttemptDecided, AttemptStarted, CaptureState, FeedConfig, SubscribeConfig, Subscribed
from clients.client import Client
from clients.errors import (
    CaptureExistsError,
    CaptureNotFoundError,
    ClientError,
    EnrollmentRefusedError,
    HistoryGoneError,
    SpeakerExistsError,
    SubscriberTooSlowError,
)
from clients.messages import EnrollConfig, Enrolled, EnrollmentProgress
from clients.subscription import Disconnected
from proto.speakerd.v1.capture_event_pb2 import AttemptStarted as Started
from proto.speakerd.v1.capture_event_pb2 import CaptureEvent
from tests.clients.capture_double import CaptureDouble, CaptureServer
from tests.clients.double import failure

LINEAR = AudioFormat(Encoding.LINEAR16, 16_000)


@pytest.fixture
def client(capture_server: CaptureServer, address: UnixAddress) -> Iterator[Client]:  # noqa: ARG001 - it is what answers
    with Client(address) as client:
        yield client


@pytest.fixture
async def other(capture_server: CaptureServer, address: UnixAddress) -> AsyncIterator[AsyncClient]:  # noqa: ARG001 - it is what answers
    async with AsyncClient(address) as other:
        yield other


def test_a_subscription_is_told_what_happens_until_it_is_closed(client: Client, captures: CaptureDouble) -> None:
    events = client.subscribe(SubscribeConfig(["door"]))
    first = next(events)
    captures.decide(speaker="ada")
    decided = next(events)
    events.close()

    assert isinstance(first.event, Subscribed)
    assert isinstance(decided.event, AttemptDecided)
    assert captures.ended.wait(10)


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.OUT_OF_RANGE, "HISTORY_GONE", HistoryGoneError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "SUBSCRIBER_TOO_SLOW", SubscriberTooSlowError),
        (grpc.StatusCode.NOT_FOUND, "CAPTURE_NOT_FOUND", CaptureNotFoundError),
    ],
)
def test_errors_have_their_class(
    client: Client, captures: CaptureDouble, code: grpc.StatusCode, reason: str, kind: type[ClientError]
) -> None:
    captures.failure = failure(code, reason, "because")

    with pytest.raises(kind, match="because"):
        next(client.subscribe(SubscribeConfig()))


def test_a_feed_yields_the_events_of_its_capture(client: Client, captures: CaptureDouble) -> None:
    captures.publish(CaptureEvent(capture="hall", attempt_started=Started(attempt=1)))
    captures.decide(speaker="ada", name="hall")

    started, decided = client.feed(FeedConfig("hall", interim=False), Audio(LINEAR, [b"ab", b"cd"]))

    assert started.event == AttemptStarted(1, 0.0)
    assert isinstance(decided.event, AttemptDecided)
    assert (captures.feed_config.capture, captures.feed_config.interim_results) == ("hall", False)
    assert bytes(captures.audio) == b"abcd"


def test_a_name_that_is_taken(client: Client, captures: CaptureDouble) -> None:
    captures.failure = failure(grpc.StatusCode.ALREADY_EXISTS, "CAPTURE_EXISTS", "choose another name")

    with pytest.raises(CaptureExistsError, match="choose another name"):
        list(client.feed(FeedConfig("door"), Audio(LINEAR, [b"ab"])))


def test_an_error_of_the_fed_audio_comes_through(client: Client) -> None:
    def broken() -> Iterator[bytes]:
        yield b"ab"
        raise ValueError("microphone unplugged")

    with pytest.raises(ValueError, match="microphone unplugged"):
        list(client.feed(FeedConfig("hall"), Audio(LINEAR, broken())))


def test_captures_and_devices(client: Client) -> None:
    (door,) = client.captures()
    microphone, webcam = client.devices()

    assert (door.name, door.state, door.captured) == ("door", CaptureState.LISTENING, 61.5)
    assert (microphone.index, microphone.name, microphone.is_default, webcam.is_default) == (3, "USB microphone", True, False)
    assert client.stop_capture("door").state is CaptureState.STOPPED
    assert client.start_capture("door").state is CaptureState.LISTENING


def test_a_capture_that_is_not_there(client: Client) -> None:
    requests: list[Callable[[], object]] = [
        lambda: client.start_capture("attic"),
        lambda: client.stop_capture("attic"),
        lambda: list(client.enroll_from_capture("attic", EnrollConfig("ada"))),
    ]
    for request in requests:
        with pytest.raises(CaptureNotFoundError, match="there is no capture 'attic'"):
            request()


def test_enrolling_whoever_speaks(client: Client) -> None:
    progress, result = client.enroll_from_capture("door", EnrollConfig("ada"))

    assert isinstance(progress, EnrollmentProgress)
    assert isinstance(result, Enrolled)
    assert result.speaker.name == "ada"


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.ALREADY_EXISTS, "SPEAKER_EXISTS", SpeakerExistsError),
        (grpc.StatusCode.FAILED_PRECONDITION, "VOICES_DIFFER", EnrollmentRefusedError),
    ],
)
def test_a_refused_enrollment_says_why(
    client: Client, captures: CaptureDouble, code: grpc.StatusCode, reason: str, kind: type[ClientError]
) -> None:
    captures.failure = failure(code, reason, "because")

    with pytest.raises(kind, match="because"):
        list(client.enroll_from_capture("door", EnrollConfig("ada")))


def test_giving_up_an_enrollment_cancels_it(client: Client, captures: CaptureDouble) -> None:
    events = client.enroll_from_capture("door", EnrollConfig("ada"))
    next(events)
    events.close()

    assert captures.ended.wait(10)


async def test_the_asyncio_client_hears_the_same(other: AsyncClient, captures: CaptureDouble) -> None:
    async with aclosing(other.subscribe(SubscribeConfig(["door"]))) as events:
        assert isinstance((await anext(events)).event, Subscribed)
        captures.decide(speaker="ada")
        assert isinstance((await anext(events)).event, AttemptDecided)

    assert await asyncio.to_thread(captures.ended.wait, 10)
    assert [capture.name for capture in await other.captures()] == ["door"]
    assert len(await other.devices()) == 2
    assert (await other.stop_capture("door")).state is CaptureState.STOPPED
    assert (await other.start_capture("door")).state is CaptureState.LISTENING
    enrolled = [event async for event in other.enroll_from_capture("door", EnrollConfig("ada"))]
    assert [type(event) for event in enrolled] == [EnrollmentProgress, Enrolled]


async def test_the_asyncio_client_feeds_what_comes(other: AsyncClient, captures: CaptureDouble) -> None:
    async def satellite() -> AsyncIterator[bytes]:
        for chunk in (b"ab", b"cd"):
            await asyncio.sleep(0)
            yield chunk

    captures.decide(speaker="ada", name="hall")

    (event,) = [event async for event in other.feed(FeedConfig("hall"), AsyncAudio(LINEAR, satellite()))]

    assert isinstance(event.event, AttemptDecided)
    assert bytes(captures.audio) == b"abcd"


async def test_an_asyncio_subscription_outlives_its_connection(
    other: AsyncClient, captures: CaptureDouble, capture_server: CaptureServer
) -> None:
    async with aclosing(other.subscription(SubscribeConfig())) as events:
        await anext(events)
        capture_server.stop()
        assert isinstance(await anext(events), Disconnected)
        captures.decide(speaker="ada")
        capture_server.start()
        async for event in events:
            if not isinstance(event, Disconnected):
                break
        missed = await anext(events)

    assert not isinstance(missed, Disconnected)
    assert missed.sequence == 2  # type: ignore[union-attr]


async def test_an_asyncio_client_waits_for_someone(other: AsyncClient, captures: CaptureDouble) -> None:
    waiting = asyncio.create_task(other.wait_for_accept("ada", 60.0, ["door"]))
    await asyncio.to_thread(captures.subscribed.acquire)
    captures.decide(speaker="bob")
    captures.decide(speaker="ada")

    event = await waiting

    assert event is not None
    assert event.sequence == 3
    assert await other.wait_for_accept("ada", 0.05) is None


async def test_nobody_waits_after_it_was_cancelled(other: AsyncClient, captures: CaptureDouble) -> None:
    waiting = asyncio.create_task(other.wait_for_accept("ada", 600.0))
    await asyncio.to_thread(captures.subscribed.acquire)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(captures.ended.wait, 10)
