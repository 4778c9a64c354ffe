"""How loud the audio is, and whether it is any good: measured hop by hop, whoever speaks or does not."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from daemon.events import ClippingChanged, Level, SilenceChanged
from daemon.hearing.evidence import FULL_SCALE
from daemon.hearing.vad import HOP, Hop
from models.features import SAMPLE_RATE

FAINTEST_LEVEL: Final = -120.0
"""What is told of nothing but zeros, in dB relative to full scale."""
SILENT_SAMPLES: Final = SAMPLE_RATE
"""So many zeros in a row are a muted microphone: even a quiet room has noise."""
CLIPPED_SHARE: Final = 0.01
"""The level is too high if more of a second's samples than this are at full scale."""


class LevelMeter:
    """Tells the level of each stretch of `seconds`, rounded to hops."""

    def __init__(self, seconds: float) -> None:
        self._hops = max(1, round(seconds * SAMPLE_RATE / HOP))
        self._count = 0
        self._power = 0.0
        self._peak = 0.0

    def hear(self, hop: Hop, *, speech: bool) -> Level | None:
        """Take the next hop; speech: someone speaks."""
        self._count += 1
        self._power += hop.power
        self._peak = max(self._peak, float(np.abs(hop.samples).max()))
        if self._count < self._hops:
            return None
        level = Level(hop.end, _decibels(self._power / self._count), _decibels(self._peak**2), speech)
        self._count, self._power, self._peak = 0, 0.0, 0.0
        return level


class SilenceMeter:
    """Tells when there is nothing but zeros, and when there is something again."""

    def __init__(self) -> None:
        self._zeros = 0
        self._silent = False

    def hear(self, hop: Hop) -> SilenceChanged | None:
        """Take the next hop."""
        sounding = np.flatnonzero(hop.samples)
        self._zeros = HOP - 1 - int(sounding[-1]) if len(sounding) else self._zeros + HOP
        silent = self._zeros >= SILENT_SAMPLES
        if silent == self._silent:
            return None
        self._silent = silent
        return SilenceChanged(hop.end, silent)


class ClippingMeter:
    """Tells when the level becomes too high, and when it is no longer, at the end of each second."""

    def __init__(self) -> None:
        self._heard = 0
        self._clipped = 0
        self._clipping = False

    def hear(self, hop: Hop) -> ClippingChanged | None:
        """Take the next hop."""
        self._heard += HOP
        self._clipped += int(np.count_nonzero(np.abs(hop.samples) >= FULL_SCALE))
        if self._heard < SAMPLE_RATE:
            return None
        clipping = self._clipped > CLIPPED_SHARE * self._heard
        self._heard = self._clipped = 0
        if clipping == self._clipping:
            return None
        self._clipping = clipping
        return ClippingChanged(hop.end, clipping)


def _decibels(power: float) -> float:
    return max(FAINTEST_LEVEL, 10 * math.log10(power)) if power > 0 else FAINTEST_LEVEL
