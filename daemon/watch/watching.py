"""Captures at work: audio in, events to the hub, whoever brings the audio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from daemon.config import Config
from daemon.engine import Engine
from daemon.enrollment.learning import Learner
from daemon.errors import CaptureBusyError, CaptureStoppedError
from daemon.events import AttemptDecided, AttemptFollowed, ClippingChanged, SilenceChanged, WatchEvent
from daemon.hearing.listener import Encode
from daemon.roster import Roster
from daemon.watch.capture_events import (
    CaptureChange,
    CaptureChanged,
    CaptureCounters,
    CaptureEvent,
    CaptureState,
    CaptureStatus,
    Published,
)
from daemon.watch.hub import Hub
from daemon.watch.session import WatchSession
from models.calibration.calibration import Calibration
from models.features import SAMPLE_RATE, Waveform

PIECE_SAMPLES: Final = 4_096
"""Audio is heard in pieces of this size, so that a long one does not keep others waiting."""
WAITING_PIECES: Final = 16
"""Pieces that wait for whoever has taken a capture over."""

Deliver = Callable[[CaptureEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio is missing here."""


@dataclass(frozen=True)
class WatchParts:
    """What all captures share. calibration: of the engine's model. learner: what learns from attempts, if anything does."""

    config: Config
    engine: Engine
    calibration: Calibration
    roster: Roster
    hub: Hub
    learner: Learner | None = None


class Capture:
    """A source of audio that is heard continuously, be it a microphone or a feed; its events are published.

    Whoever brings the audio calls, one after the other: `start`; `hear` with each piece of audio, `cut` where some is missing, `report`
    when something happens to the source; `stop`, after which it may start anew. Each returns when the events are published and, with
    `deliver`, delivered: what they wait for holds up the source, and nothing is lost.
    """

    def __init__(self, name: str, parts: WatchParts, *, device: str = "", deliver: Deliver | None = None) -> None:
        self.name = name
        self.counters = CaptureCounters()
        """To be kept by whoever brings the audio; `start` sets them to zero."""
        self._parts = parts
        self._device = device
        self._deliver = deliver
        self._log = structlog.get_logger().bind(capture=name)
        self._state = CaptureState.STOPPED
        self._problem = ""
        self._session = self._new_session(attempts=0)
        self._following = ExitStack()
        self._learned = 0
        """The attempt that was learned from last."""
        self._taker: asyncio.Queue[Waveform | Gap | None] | None = None
        # Both who brings the audio and who takes the capture over drive the session.
        self._driving = asyncio.Lock()

    @property
    def status(self) -> CaptureStatus:
        """How it is now."""
        return CaptureStatus(self.name, self._device, self._state, self._problem, self._session.at, self.counters)

    async def start(self, state: CaptureState = CaptureState.LISTENING, problem: str = "") -> None:
        """Begin to hear, or to wait for a source that is not there yet: STARTED. Positions begin at zero, attempts are counted on."""
        self._session = self._new_session(self._session.attempts)
        roster = self._parts.roster
        self._following.enter_context(roster.followed(self._session.set_speakers, since=roster.changes))
        self.counters = CaptureCounters()
        await self.report(CaptureChange.STARTED, state, problem)

    async def hear(self, samples: Waveform) -> None:
        """Hear mono samples in [-1, 1] at 16 kHz, shape (n,), n >= 0."""
        for start in range(0, len(samples), PIECE_SAMPLES):
            piece = samples[start : start + PIECE_SAMPLES]
            async with self._driving:
                self._session.feed(piece)
                await self._drive()
            if self._taker:
                await self._taker.put(piece)
            await asyncio.sleep(0)

    async def cut(self) -> None:
        """Audio is missing here: the attempt that goes on is decided, and what is heard from now on does not follow it."""
        async with self._driving:
            self._session.cut()
            await self._drive()
        if self._taker:
            await self._taker.put(Gap())

    async def report(self, change: CaptureChange, state: CaptureState | None = None, problem: str = "") -> None:
        """Tell what became of the source: its new state, None if that is as it was, and what the problem is, if there is one."""
        await self._tell(self._changed(change, state, problem))

    async def finish(self) -> None:
        """No more audio: decide the attempt that goes on."""
        async with self._driving:
            self._session.finish()
            await self._drive()

    async def stop(
        self, change: CaptureChange = CaptureChange.STOPPED, state: CaptureState = CaptureState.STOPPED, problem: str = ""
    ) -> None:
        """Finish, and hear no more: STOPPED, or what else ended it."""
        await self.finish()
        if self._taker:
            await self._taker.put(None)
            self._taker = None
        self._end()
        await self.report(change, state, problem)

    def abandon(self, change: CaptureChange = CaptureChange.STOPPED, state: CaptureState = CaptureState.STOPPED, problem: str = "") -> None:
        """Hear no more because whoever brought the audio is gone: STOPPED, or what else ended it, without a decision.

        Does nothing if it is stopped.
        """
        if self._state is not CaptureState.STOPPED:
            self._end()
            self._parts.hub.publish(self.name, self._changed(change, state, problem))

    @asynccontextmanager
    async def taken_over(self) -> AsyncIterator[AsyncIterator[Waveform | Gap]]:
        """Make no attempts while the block runs; yield the audio that is heard meanwhile, in pieces, and its gaps, until the capture stops.

        Whoever takes a capture over must take its audio: the source is held up while `WAITING_PIECES` pieces wait. Raises
        `CaptureStoppedError`, or `CaptureBusyError` if somebody has it already.
        """
        if self._state in {CaptureState.STOPPED, CaptureState.FAILED}:
            raise CaptureStoppedError(f"the capture {self.name!r} does not listen: start it first", capture=self.name)
        if self._taker:
            raise CaptureBusyError(f"somebody is enrolled from the capture {self.name!r} now: try again later", capture=self.name)
        taker = self._taker = asyncio.Queue(WAITING_PIECES)
        session = self._session
        try:
            async with self._driving:
                session.pause()
                await self._drive()
            yield _pieces(taker)
        finally:
            session.resume()
            if self._taker is taker:
                self._taker = None
            _empty(taker)

    async def _drive(self) -> None:
        while (due := self._session.poll()) is not None:
            if isinstance(due, Encode):
                self._session.encoded(await self._parts.engine.step(due.frames, due.state))
            else:
                await self._tell(self._published(due))

    async def _tell(self, event: Published) -> None:
        told = self._parts.hub.publish(self.name, event)
        if isinstance(event, AttemptDecided) and event.decision.final:
            self._log.info(
                "decision",
                attempt=event.attempt,
                outcome=event.decision.outcome.value,
                reason=event.decision.reason.value,
                speech_seconds=event.decision.evidence.speech / SAMPLE_RATE,
            )
        if self._deliver:
            await self._deliver(told)
        if isinstance(event, AttemptDecided | AttemptFollowed):
            await self._learn(event)

    async def _learn(self, event: AttemptDecided | AttemptFollowed) -> None:
        """Learn from an attempt, once: a long talk is no more than a short one."""
        learner, learned = self._parts.learner, event.attempt == self._learned
        if learner and not learned and await learner.learn(event.decision, self._session.embedding):
            self._learned = event.attempt

    def _published(self, event: WatchEvent) -> Published:
        match event:
            case SilenceChanged():
                return self._changed(CaptureChange.SILENCE_STARTED if event.silent else CaptureChange.SILENCE_ENDED)
            case ClippingChanged():
                return self._changed(CaptureChange.CLIPPING_STARTED if event.clipping else CaptureChange.CLIPPING_ENDED)
            case _:
                return event

    def _changed(self, change: CaptureChange, state: CaptureState | None = None, problem: str | None = None) -> CaptureChanged:
        self._state = state or self._state
        self._problem = self._problem if problem is None else problem
        self._log.info("capture changed", change=change.value, state=self._state.value)
        return CaptureChanged(self._session.at, change, self.status)

    def _end(self) -> None:
        self._following.close()
        if self._taker:
            _empty(self._taker)
            self._taker.put_nowait(None)
            self._taker = None

    def _new_session(self, attempts: int) -> WatchSession:
        parts = self._parts
        start = parts.engine.encoder.initial_state()
        return WatchSession(start, parts.roster.speakers, parts.config, parts.calibration, attempts=attempts)


async def _pieces(taker: asyncio.Queue[Waveform | Gap | None]) -> AsyncIterator[Waveform | Gap]:
    while (piece := await taker.get()) is not None:
        yield piece


def _empty(taker: asyncio.Queue[Waveform | Gap | None]) -> None:
    """Take everything, so that nobody waits to put something."""
    while not taker.empty():
        taker.get_nowait()
