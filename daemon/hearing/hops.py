"""Audio in pieces of any size, taken hop by hop."""

from __future__ import annotations

import numpy as np

from daemon.hearing.vad import HOP
from models.features import Waveform


class HopQueue:
    """Cuts samples into hops, whatever the pieces they come in."""

    def __init__(self) -> None:
        self.total = 0
        """Samples that were pushed."""
        self._pieces: list[Waveform] = []
        self._current = np.empty(0, dtype=np.float32)
        self._taken = 0

    def push(self, samples: Waveform) -> None:
        """Copy samples, any number."""
        self.total += len(samples)
        self._pieces.append(np.array(samples, dtype=np.float32))

    def take(self) -> Waveform | None:
        """Return the next `HOP` samples; None if there are not so many."""
        if len(self._current) - self._taken < HOP:
            self._current = np.concatenate([self._current[self._taken :], *self._pieces])
            self._pieces.clear()
            self._taken = 0
        if len(self._current) < HOP:
            return None
        # A copy, so that a hop that is kept does not keep the whole piece.
        hop = self._current[self._taken : self._taken + HOP].copy()
        self._taken += HOP
        return hop
