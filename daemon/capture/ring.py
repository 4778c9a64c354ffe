"""The buffer between the callback of a device, which must never wait, and who takes what it leaves there."""

from __future__ import annotations

from collections import deque

import numpy as np

from daemon.capture.records import Audio, Lost, Samples


class Ring:
    """At most `capacity` samples. One thread puts, another takes; neither waits for the other.

    What does not fit is lost, and noted. Each position is written by one side only, after the samples that it stands for.
    """

    def __init__(self, capacity: int) -> None:
        self._samples = np.zeros(capacity, dtype=np.float32)
        self._written = 0
        self._taken = 0
        self._gaps: deque[int] = deque()
        """Where audio is missing. As each is at a position of its own, they are no more than the samples between them."""
        self._latest_gap: int | None = None
        self.calls = 0
        """How often the device delivered something."""

    def put(self, block: Samples, *, overflow: bool) -> None:
        """Take a block, shape (n,); `overflow`: the device lost audio before it. Belongs to the callback: it copies and counts."""
        self.calls += 1
        fits = len(block) <= len(self._samples) - (self._written - self._taken)
        if overflow or not fits:
            self._note_gap()
        if not fits:
            return
        start = self._written % len(self._samples)
        first = min(len(block), len(self._samples) - start)
        self._samples[start : start + first] = block[:first]
        self._samples[: len(block) - first] = block[first:]
        self._written += len(block)

    def take(self) -> list[Audio | Lost]:
        """Return what has come since the last time, in order."""
        end = self._written
        records: list[Audio | Lost] = []
        while self._gaps and self._gaps[0] <= end:
            records += [*self._until(self._gaps.popleft()), Lost()]
        return records + self._until(end)

    def _until(self, end: int) -> list[Audio | Lost]:
        if end == self._taken:
            return []
        positions = np.arange(self._taken, end) % len(self._samples)
        samples = self._samples[positions]
        self._taken = end
        return [Audio(samples)]

    def _note_gap(self) -> None:
        if self._latest_gap != self._written:
            self._latest_gap = self._written
            self._gaps.append(self._written)
