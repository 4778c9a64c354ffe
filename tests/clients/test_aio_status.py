"""What a real daemon says, an asyncio client hears: each time, however the end of a call falls among its writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from clients.address import UnixAddress
from clients.aio import AsyncClient
from clients.audio import AsyncAudio, Audio, AudioFormat, Encoding
from clients.client import Client
from clients.errors import InvalidRequestError, SpeakerExistsError, SpeakerNotFoundError
from clients.messages import Decision, EnrollConfig, VerifyConfig
from models.features import SAMPLE_RATE
from tests.audio import voice
from tests.daemon.process import daemon_process

FORMAT = AudioFormat(Encoding.FLOAT32, SAMPLE_RATE)
TIMES = 50
CHUNK = 3_200
VOICE = voice(0, 4.0).astype("<f4").tobytes()
BROKEN = bytes(4 * CHUNK) + np.full(4 * CHUNK, np.nan, "<f4").tobytes()

Source = Callable[[bytes], Audio | AsyncAudio]


@pytest.fixture(scope="module")
def address() -> Iterator[UnixAddress]:
    """A daemon that knows ada."""
    with TemporaryDirectory(prefix="speakerd-test-") as directory, daemon_process(Path(directory)) as daemon:
        daemon.ready()
        address = UnixAddress(daemon.socket)
        with Client(address) as client:
            list(client.enroll(EnrollConfig("ada"), [Audio(FORMAT, [VOICE])]))
        yield address


def chunks(content: bytes) -> Iterator[bytes]:
    return (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))


async def microphone(content: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks(content):
        await asyncio.sleep(0)
        yield chunk


@pytest.fixture(params=["sync", "async"])
def source(request: pytest.FixtureRequest) -> Source:
    if request.param == "sync":
        return lambda content: Audio(FORMAT, chunks(content))
    return lambda content: AsyncAudio(FORMAT, microphone(content))


async def test_an_unknown_speaker(address: UnixAddress, source: Source) -> None:
    async with AsyncClient(address) as client:
        for _ in range(TIMES):
            with pytest.raises(SpeakerNotFoundError, match="nobody is enrolled as 'zoe'"):
                [event async for event in client.verify(VerifyConfig(["zoe"]), source(VOICE))]


async def test_audio_that_is_broken_in_its_middle(address: UnixAddress, source: Source) -> None:
    async with AsyncClient(address) as client:
        for _ in range(TIMES):
            with pytest.raises(InvalidRequestError) as caught:
                [event async for event in client.verify(VerifyConfig(["ada"]), source(BROKEN))]
            assert caught.value.reason == "AUDIO_NOT_FINITE"


async def test_a_name_that_is_taken(address: UnixAddress, source: Source) -> None:
    async with AsyncClient(address) as client:
        for _ in range(TIMES):
            with pytest.raises(SpeakerExistsError):
                [event async for event in client.enroll(EnrollConfig("ada"), [source(VOICE), source(VOICE)])]


async def test_a_decision_before_the_end(address: UnixAddress, source: Source) -> None:
    async with AsyncClient(address) as client:
        for _ in range(TIMES):
            *_, last = [event async for event in client.verify(VerifyConfig(["ada"], interim=False), source(VOICE))]
            assert isinstance(last, Decision)
            assert last.final
            assert last.at < 4
