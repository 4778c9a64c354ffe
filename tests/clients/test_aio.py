from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from clients.address import UnixAddress
from clients.aio import AsyncClient
from clients.audio import AsyncAudio, Audio, AudioFormat, Encoding
from clients.errors import EnrollmentRefusedError, SpeakerNotFoundError, UnreachableError
from clients.files import open_audio
from clients.messages import Decision, EnrollConfig, Enrolled, Outcome, VerifyConfig
from proto.speakerd.v1 import decision_pb2
from tests.clients.double import Double, decision, failure

LINEAR = AudioFormat(Encoding.LINEAR16, 16_000)


@pytest_asyncio.fixture
async def client(double: Double, address: UnixAddress) -> AsyncIterator[AsyncClient]:  # noqa: ARG001 - it is what answers
    async with AsyncClient(address) as client:
        yield client


async def microphone(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


@pytest.mark.parametrize("audio", [Audio(LINEAR, [b"ab", b"cd"]), AsyncAudio(LINEAR, microphone(b"ab", b"cd"))], ids=["sync", "async"])
async def test_an_attempt_yields_its_events_in_order(client: AsyncClient, double: Double, audio: Audio | AsyncAudio) -> None:
    double.answers = [decision(decision_pb2.OUTCOME_UNDECIDED, 0.4, final=False), decision(decision_pb2.OUTCOME_REJECT, 0.1)]

    events = [event async for event in client.verify(VerifyConfig(["ada"]), audio)]

    assert [event.outcome for event in events if isinstance(event, Decision)] == [Outcome.UNDECIDED, Outcome.REJECT]
    assert bytes(double.audio) == b"abcd"


async def test_an_early_decision_ends_audio_that_falls_silent(client: AsyncClient, double: Double) -> None:
    double.decide_after = 2
    closed = asyncio.Event()

    async def falls_silent() -> AsyncIterator[bytes]:
        try:
            yield b"ab"
            await asyncio.Event().wait()
        finally:
            closed.set()

    events = [event async for event in client.verify(VerifyConfig(), AsyncAudio(LINEAR, falls_silent()))]

    assert len(events) == 1
    await asyncio.wait_for(closed.wait(), 10)


async def test_giving_up_an_attempt_cancels_it(client: AsyncClient, double: Double) -> None:
    double.answers = [decision(decision_pb2.OUTCOME_UNDECIDED, 0.4, final=False)] * 3

    async with aclosing(client.verify(VerifyConfig(), Audio(LINEAR, [b"ab"]))) as events:
        await anext(events)

    assert await asyncio.to_thread(double.ended.wait, 10)


async def test_cancelling_the_task_cancels_the_attempt(client: AsyncClient, double: Double) -> None:
    async def attempt() -> None:
        async def silent() -> AsyncIterator[bytes]:
            await asyncio.Event().wait()
            yield b""

        async for _ in client.verify(VerifyConfig(), AsyncAudio(LINEAR, silent())):
            pass

    task = asyncio.create_task(attempt())
    await asyncio.to_thread(double.began.wait)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(double.ended.wait, 10)


async def test_an_attempt_is_given_up_while_its_audio_blocks(client: AsyncClient, double: Double) -> None:
    silence = threading.Event()

    def blocks() -> Iterator[bytes]:
        yield b"ab"
        silence.wait()

    task = asyncio.ensure_future(anext(client.verify(VerifyConfig(), Audio(LINEAR, blocks()))))
    await asyncio.to_thread(double.began.wait)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(double.ended.wait, 10)
    silence.set()


async def test_endless_audio_is_not_fetched_before_it_can_be_sent(client: AsyncClient, double: Double) -> None:
    double.decide_after = 100_000

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1_000)

    (event,) = [event async for event in client.verify(VerifyConfig(), AsyncAudio(LINEAR, endless()))]

    assert isinstance(event, Decision)


async def test_a_cancelled_source_ends_the_attempt(client: AsyncClient, double: Double) -> None:
    async def cancelled() -> AsyncIterator[bytes]:
        yield b"ab"
        await asyncio.to_thread(double.began.wait)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        [event async for event in client.verify(VerifyConfig(), AsyncAudio(LINEAR, cancelled()))]

    assert await asyncio.to_thread(double.ended.wait, 10)


def broken_chunks(double: Double) -> Iterator[bytes]:
    yield b"ab"
    double.began.wait()
    raise ValueError("microphone unplugged")


async def broken_microphone(double: Double) -> AsyncIterator[bytes]:
    yield b"ab"
    await asyncio.to_thread(double.began.wait)
    raise ValueError("microphone unplugged")


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_error_of_the_audio_comes_through(client: AsyncClient, double: Double, *, asynchronous: bool) -> None:
    audio = AsyncAudio(LINEAR, broken_microphone(double)) if asynchronous else Audio(LINEAR, broken_chunks(double))

    with pytest.raises(ValueError, match="microphone unplugged"):
        [event async for event in client.verify(VerifyConfig(), audio)]

    assert await asyncio.to_thread(double.ended.wait, 10)


async def test_an_enrollment_yields_progress_and_result(client: AsyncClient, double: Double, recording: Path) -> None:
    recordings: list[Audio | AsyncAudio] = [open_audio(recording), AsyncAudio(LINEAR, microphone(b"ab"))]

    events = [event async for event in client.enroll(EnrollConfig("ada"), recordings)]

    assert isinstance(events[-1], Enrolled)
    kinds = [request.WhichOneof("payload") for request in double.enroll_requests]
    assert kinds == ["config", *["audio"] * 5, "next_recording", "audio"]


async def test_a_refused_enrollment_says_why(client: AsyncClient, double: Double, recording: Path) -> None:
    double.failure = failure(grpc.StatusCode.FAILED_PRECONDITION, "VOICES_DIFFER", "two people speak")

    with pytest.raises(EnrollmentRefusedError, match="two people speak"):
        [event async for event in client.enroll(EnrollConfig("ada"), [open_audio(recording)])]


async def test_speakers(client: AsyncClient, double: Double) -> None:
    for name in ("ada", "bob", "cyd"):
        double.add(name)

    assert [speaker.name async for speaker in client.speakers()] == ["ada", "bob", "cyd"]
    assert (await client.speaker("bob")).name == "bob"
    assert (await client.reset("bob")).adapted_attempts == 0
    await client.delete("bob")
    with pytest.raises(SpeakerNotFoundError):
        await client.speaker("bob")
    assert (await client.status()).speakers == 2


async def test_no_daemon(address: UnixAddress) -> None:
    async with AsyncClient(address) as client:
        with pytest.raises(UnreachableError, match="start it with `speakerd serve`"):
            await client.status()
        with pytest.raises(UnreachableError, match="start it with `speakerd serve`"):
            [event async for event in client.verify(VerifyConfig(), Audio(LINEAR, [b"ab"]))]
