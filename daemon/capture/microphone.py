"""One microphone: opened, heard, and opened again whenever it is lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, replace
from typing import Protocol

import numpy as np

from daemon.capture.conversion import Conversion
from daemon.capture.patience import Patience
from daemon.capture.process import recorder
from daemon.capture.recorder import Wanted
from daemon.capture.records import Audio, Failed, Lost, Opened, Record, Samples, Stalled
from daemon.config import CaptureConfig
from daemon.hearing.evidence import FULL_SCALE
from daemon.watch.capture_events import CaptureChange, CaptureCounters, CaptureState
from models.features import Waveform


class Hearer(Protocol):
    """Who hears a microphone: a `daemon.watch.watching.Capture`."""

    counters: CaptureCounters

    async def start(self, state: CaptureState = ..., problem: str = ...) -> None:
        """Begin to hear; the counters are zero."""
        ...

    async def hear(self, samples: Waveform) -> None:
        """Take what comes next, at 16 kHz, shape (n,)."""
        ...

    async def cut(self) -> None:
        """Audio is missing here."""
        ...

    async def report(self, change: CaptureChange, state: CaptureState | None = ..., problem: str = ...) -> None:
        """Tell what became of the device."""
        ...


class Source(Protocol):
    """A recorder that runs."""

    async def next(self) -> Record:
        """Wait for what it tells next."""
        ...


def record(config: CaptureConfig) -> AbstractAsyncContextManager[Source]:
    """Record the device of `config` in a process of its own."""
    return recorder(json.dumps(asdict(Wanted(config.device, config.channel, config.rate, config.stall_seconds))))


class Microphone:
    """Brings the audio of one device to `hearer` while `listen` runs.

    A device that is gone, stalled or cannot be opened is opened again, after a time that doubles with every attempt that fails.
    """

    def __init__(
        self, config: CaptureConfig, hearer: Hearer, source: Callable[[CaptureConfig], AbstractAsyncContextManager[Source]] = record
    ) -> None:
        self.started = asyncio.Event()
        """The hearer has been told to start: it is known whether the device opens."""
        self._config = config
        self._hearer = hearer
        self._source = source
        self._patience = Patience(config, time.monotonic())
        self._open = False

    async def listen(self) -> str:
        """Listen until the device has not come back within `give_up_seconds`; return what the problem is. Call this once."""
        while True:
            async with self._source(self._config) as source:
                end = await self._hear(source)
            problem = "the device delivers nothing" if isinstance(end, Stalled) else end.problem
            await self._lose(CaptureChange.STALLED if isinstance(end, Stalled) else CaptureChange.LOST, problem)
            if (seconds := self._patience.wait(time.monotonic())) is None:
                return problem
            await asyncio.sleep(seconds)

    async def _hear(self, source: Source) -> Stalled | Failed:
        conversion = None
        while True:
            match told := await source.next():
                case Opened(rate=rate):
                    conversion = Conversion(rate, self._config.gain_db)
                    await self._begin()
                case Audio(samples) if conversion:
                    self._count(clipped_samples=_clipped(samples))
                    await self._hearer.hear(conversion.push(samples))
                case Lost() if conversion:
                    conversion = conversion.anew()
                    self._count(overruns=1)
                    await self._hearer.cut()
                    await self._hearer.report(CaptureChange.OVERRUN)
                case Stalled() | Failed():
                    return told
                case _:
                    raise ValueError(f"a recorder is not to tell {type(told).__name__} here")

    async def _begin(self) -> None:
        self._open = True
        self._patience.opened(time.monotonic())
        if self.started.is_set():
            self._count(reopened=1)
            await self._hearer.report(CaptureChange.RECOVERED, CaptureState.LISTENING)
        else:
            await self._start(CaptureState.LISTENING)

    async def _lose(self, change: CaptureChange, problem: str) -> None:
        if not self.started.is_set():
            await self._start(CaptureState.WAITING, problem)
        elif self._open:
            self._count(stalls=change is CaptureChange.STALLED)
            await self._hearer.cut()
            await self._hearer.report(change, CaptureState.WAITING, problem)
        # That it could not be opened once more is no news.
        self._open = False

    async def _start(self, state: CaptureState, problem: str = "") -> None:
        await self._hearer.start(state, problem)
        self.started.set()

    def _count(self, **more: int) -> None:
        counters = self._hearer.counters
        self._hearer.counters = replace(counters, **{name: getattr(counters, name) + count for name, count in more.items()})


def _clipped(samples: Samples) -> int:
    return int(np.count_nonzero(np.abs(samples) >= FULL_SCALE))
