"""Recorders that tell what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import numpy as np

from daemon.capture.microphone import Source
from daemon.capture.records import Audio, Failed, Opened, Record
from daemon.config import CaptureConfig
from models.features import SAMPLE_RATE

OPENED: Final = Opened("a", SAMPLE_RATE)
GONE: Final = Failed("it is gone")


def sound(*values: float) -> Audio:
    """Return the record of a few samples."""
    return Audio(np.array(values, dtype=np.float32))


class Scripted:
    """Recorders that tell one list of records each, and then wait, or fail if there are no more."""

    def __init__(self, *scripts: list[Record]) -> None:
        self.scripts = list(scripts)
        self.running = 0

    def __call__(self, _: CaptureConfig) -> AbstractAsyncContextManager[Source]:
        return self._run()

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[Source]:
        self.running += 1
        try:
            yield _Telling(self.scripts.pop(0) if self.scripts else [GONE])
        finally:
            self.running -= 1


class _Telling:
    def __init__(self, records: list[Record]) -> None:
        self._records = records

    async def next(self) -> Record:
        if not self._records:
            await asyncio.sleep(3600)
        return self._records.pop(0)
