"""A server in this process, on a socket of its own, and what a client says to it in plain protocol messages."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, cast

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from google.rpc import status_pb2 as rpc_status_pb2

from daemon.config import Config, DecisionConfig, StorageConfig
from daemon.server.address import claimed
from daemon.server.lifecycle import Server
from daemon.speakers import Template
from daemon.store.voiceprints import SaveMode, VoiceprintStore
from models.calibration.calibration import Calibration
from models.encoder import Encoder
from models.features import SAMPLE_RATE, Waveform
from proto.speakerd.v1 import audio_pb2, decision_pb2, enrollment_pb2, status_pb2, verification_pb2
from proto.speakerd.v1.enrollment_pb2_grpc import EnrollmentServiceStub
from proto.speakerd.v1.speakers_pb2_grpc import SpeakersServiceStub
from proto.speakerd.v1.status_pb2_grpc import StatusServiceStub
from proto.speakerd.v1.verification_pb2_grpc import VerificationServiceStub
from tests import audio
from tests.fakes import PLAIN_VAD, FakeEncoder, enroll, fake_calibration

AUDIO = audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=SAMPLE_RATE)
CONFIG = Config(vad=PLAIN_VAD, decision=DecisionConfig(min_speech_seconds=1.0))
"""With the fake calibration, by which the fake encoder tells synthetic voices apart."""
MESSAGE_BYTES = 3_200
"""100 ms."""

VerifyRequests = Iterable[verification_pb2.VerifyRequest]
EnrollRequests = Iterable[enrollment_pb2.EnrollRequest]


@contextmanager
def short_directory() -> Iterator[Path]:
    """Yield a directory whose path leaves room for a socket's name, which pytest's own do not."""
    with TemporaryDirectory(prefix="spk") as directory:
        yield Path(directory)


@dataclass(frozen=True)
class Daemon:
    """A server that runs, with what tests look into, and a channel to it.

    Streams are those of gRPC's blocking client, in a thread: that of asyncio loses the status of a stream which ends while it writes
    (https://github.com/grpc/grpc/issues/36066).
    """

    server: Server
    config: Config
    store: VoiceprintStore
    addresses: list[str]
    channel: grpc.Channel

    @property
    def verification(self) -> VerificationServiceStub:
        return VerificationServiceStub(self.channel)

    @property
    def enrollment(self) -> EnrollmentServiceStub:
        return EnrollmentServiceStub(self.channel)

    @property
    def speakers(self) -> SpeakersServiceStub:
        return SpeakersServiceStub(self.channel)

    @property
    def status(self) -> StatusServiceStub:
        return StatusServiceStub(self.channel)

    async def verify(self, requests: VerifyRequests) -> list[verification_pb2.VerifyResponse]:
        return await asyncio.to_thread(lambda: list(self.verification.Verify(iter(requests))))

    async def decide(self, requests: VerifyRequests) -> decision_pb2.Decision:
        return (await self.verify(requests))[-1].decision

    async def until_idle(self) -> None:
        """Wait until the daemon has noticed the end of all streams."""

        def wait() -> None:
            while self.status.GetStatus(status_pb2.GetStatusRequest()).active_streams:
                time.sleep(0.005)

        await asyncio.wait_for(asyncio.to_thread(wait), timeout=60)

    async def enroll(self, requests: EnrollRequests) -> list[enrollment_pb2.EnrollResponse]:
        return await asyncio.to_thread(lambda: list(self.enrollment.Enroll(iter(requests))))


class OpenStream:
    """A stream whose client has said something, and says no more until it is told to end."""

    def __init__(self, daemon: Daemon) -> None:
        self._ending = threading.Event()
        self._call = daemon.verification.Verify(self._requests())

    async def opened(self) -> Self:
        """Wait until the daemon has heard it."""
        await asyncio.to_thread(next, self._call)
        return self

    async def rest(self) -> list[verification_pb2.VerifyResponse]:
        """Wait for the daemon to end it."""
        try:
            return await asyncio.to_thread(list, self._call)
        finally:
            self._ending.set()

    async def end(self) -> list[verification_pb2.VerifyResponse]:
        """Say that there is no more to send, and wait for the daemon to end it."""
        self._ending.set()
        return await self.rest()

    def cancel(self) -> None:
        """Go away."""
        self._call.cancel()
        self._ending.set()

    def _requests(self) -> Iterator[verification_pb2.VerifyRequest]:
        yield verify_config()
        yield from verify_audio(linear16(audio.voice(0, 0.5)))
        self._ending.wait(timeout=60)


@asynccontextmanager
async def running(
    config: Config = CONFIG, encoder: Encoder | None = None, directory: Path | None = None, calibration: Calibration | None = None
) -> AsyncIterator[Daemon]:
    """Run a server with its socket and its store in `directory`, or in one that goes with it."""
    with short_directory() as own:
        base = directory or own
        server_config = config.server.model_copy(update={"socket": base / "s.sock"})
        config = config.model_copy(update={"server": server_config, "storage": StorageConfig(directory=base / "data")})
        with claimed(base / "s.sock"), closing(open_store(config)) as store:
            running_encoder = encoder or FakeEncoder()
            server = Server(config, running_encoder, calibration or fake_calibration(running_encoder.model_id), store)
            addresses = await server.start()
            try:
                with grpc.insecure_channel(addresses[0]) as channel:
                    yield Daemon(server, config, store, addresses, channel)
            finally:
                await server.stop()


def open_store(config: Config) -> VoiceprintStore:
    return VoiceprintStore(config.storage.data_directory, config.storage.key_path, config.limits)


def know(store: VoiceprintStore, name: str, seed: int, model_id: str = "fake-1") -> None:
    """Enroll synthetic voice number `seed` without a server."""
    store.save(name, _templates(seed, model_id), SaveMode.CREATE)


@cache
def _templates(seed: int, model_id: str) -> tuple[Template, ...]:
    return enroll("", audio.voice(seed, 4.0), encoder=FakeEncoder(model_id)).templates


def linear16(samples: Waveform) -> bytes:
    return np.round(samples * 32_767).astype("<i2").tobytes()


def cut(content: bytes, size: int = MESSAGE_BYTES) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def verify_config(
    *speakers: str, interim: bool = False, wait_for_end: bool = False, audio_config: audio_pb2.AudioConfig = AUDIO, request_id: str = ""
) -> verification_pb2.VerifyRequest:
    config = verification_pb2.VerifyConfig(
        request_id=request_id, audio=audio_config, speakers=speakers, interim_results=interim, wait_for_end=wait_for_end
    )
    return verification_pb2.VerifyRequest(config=config)


def verify_audio(content: bytes, size: int = MESSAGE_BYTES) -> list[verification_pb2.VerifyRequest]:
    return [verification_pb2.VerifyRequest(audio=piece) for piece in cut(content, size)]


def enroll_config(
    speaker: str,
    mode: enrollment_pb2.EnrollMode.ValueType = enrollment_pb2.ENROLL_MODE_CREATE,
    *,
    allow_similar: bool = False,
    audio_config: audio_pb2.AudioConfig = AUDIO,
    request_id: str = "",
) -> enrollment_pb2.EnrollRequest:
    config = enrollment_pb2.EnrollConfig(request_id=request_id, speaker=speaker, audio=audio_config, mode=mode, allow_similar=allow_similar)
    return enrollment_pb2.EnrollRequest(config=config)


def enroll_audio(content: bytes, size: int = MESSAGE_BYTES) -> list[enrollment_pb2.EnrollRequest]:
    return [enrollment_pb2.EnrollRequest(audio=piece) for piece in cut(content, size)]


def next_recording(audio_config: audio_pb2.AudioConfig | None = None) -> enrollment_pb2.EnrollRequest:
    return enrollment_pb2.EnrollRequest(next_recording=enrollment_pb2.NextRecording(audio=audio_config))


@dataclass
class Refusal:
    """What a client hears of an error; filled when the block that should fail has failed."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    message: str = ""
    metadata: dict[str, str] | None = None


@contextmanager
def refused() -> Iterator[Refusal]:
    """Expect a call to fail with an error that the daemon explains."""
    refusal = Refusal()
    with pytest.raises(grpc.RpcError) as caught:
        yield refusal
    failure = cast("grpc.Call", caught.value)
    refusal.code, refusal.message = failure.code(), failure.details() or ""
    status = rpc_status_pb2.Status.FromString(dict(failure.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.domain, status.code, status.message) == ("speakerd", refusal.code.value[0], refusal.message)
    refusal.reason, refusal.metadata = info.reason, dict(info.metadata)
