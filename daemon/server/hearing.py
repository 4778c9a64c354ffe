"""From the bytes of a stream to the events of its session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final

from daemon.config import LimitsConfig
from daemon.engine import Engine
from daemon.enrollment.session import EnrollmentSession
from daemon.errors import AudioTooLongError, EmptyAudioError
from daemon.events import Event
from daemon.hearing.audio import AudioDecoder
from daemon.session import Encode, VerificationSession
from models.features import SAMPLE_RATE, Waveform

PIECE_BYTES: Final = 8_192
"""A message is heard in pieces of this size, so that a long one does not keep other streams waiting."""


class Hearing:
    """Gives one session the audio of one stream. After each call, take all events before the next."""

    def __init__(
        self, session: VerificationSession | EnrollmentSession, engine: Engine, limits: LimitsConfig, decoder: AudioDecoder
    ) -> None:
        self.heard = 0
        """Samples of all recordings so far, at 16 kHz."""
        self._session = session
        self._engine = engine
        self._max_samples = round(limits.stream_seconds * SAMPLE_RATE)
        self._decoder = decoder
        self._recording = 1
        self._recording_begins = 0

    async def hear(self, data: bytes) -> AsyncIterator[Event]:
        """Yield the events of more audio; what follows the last one is not looked at. Raises `InvalidAudioError`, `AudioTooLongError`."""
        for number, piece in enumerate(_pieces(data)):
            if number:
                await asyncio.sleep(0)
            if self._session.done:
                return
            self._feed(self._decoder.push(piece))
            async for event in self.events():
                yield event

    def end_recording(self) -> None:
        """No more audio of this recording. Raises `IncompleteSampleError`, `EmptyAudioError`."""
        self._feed(self._decoder.finish())
        if self.heard == self._recording_begins:
            advice = "has no audio: send some after its config"
            if self._recording == 1:
                raise EmptyAudioError(f"the recording {advice}")
            raise EmptyAudioError(f"recording {self._recording} {advice}", recording=str(self._recording))

    def begin_recording(self, decoder: AudioDecoder) -> None:
        """What is heard from now on is another recording."""
        self._decoder = decoder
        self._recording += 1
        self._recording_begins = self.heard

    async def events(self) -> AsyncIterator[Event]:
        """Yield what the session has to tell, doing the encoder steps that it asks for."""
        while (due := self._session.poll()) is not None:
            if isinstance(due, Encode):
                self._session.encoded(await self._engine.step(due.frames, due.state))
            else:
                yield due

    def _feed(self, samples: Waveform) -> None:
        self.heard += len(samples)
        if self.heard > self._max_samples:
            seconds = self._max_samples / SAMPLE_RATE
            raise AudioTooLongError(f"a stream can hold {seconds:g} s of audio (limits.stream_seconds): send less", limit=f"{seconds:g}")
        self._session.feed(samples)


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES))
