"""How good the speech is that was heard: its amount, its noise, its clipping, its bandwidth. All of it incremental."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.events import Evidence
from daemon.hearing.vad import HOP, Hop
from models.features import MEL_BINS, SAMPLE_RATE, Frames

FULL_SCALE: Final = 0.97
"""From here on a sample counts as clipped: G.711 ends at 0.98, and resampling rounds off what was clipped before."""
FAINTEST_DB: Final = -100
"""Hops below are digital silence and say nothing of the background."""
BACKGROUND_SHARE: Final = 0.1
"""The quietest tenth of all hops is taken for background."""
LOWEST_SNR: Final = 0.01
"""What is told where speech does not stand out at all (-20 dB)."""
BAND_RANGE_DB: Final = 50.0
"""A mel band that far below the strongest carries no speech."""


def _band_centres() -> NDArray[np.float64]:
    low, high = (1127.0 * np.log1p(hertz / 700.0) for hertz in (20.0, SAMPLE_RATE / 2))
    centres: NDArray[np.float64] = 700.0 * np.expm1(np.linspace(low, high, MEL_BINS + 2)[1:-1] / 1127.0)
    return centres


BAND_CENTRES: Final = _band_centres()
"""Centre of each mel band in Hz."""


class EvidenceMeter:
    """Gathers evidence hop by hop, at constant cost and in constant memory."""

    def __init__(self) -> None:
        self._levels = np.zeros(1 - FAINTEST_DB, dtype=np.int64)
        self._voiced = 0
        self._voice = 0.0
        self._power = 0.0
        self._clipped = 0
        self._bands = np.zeros(MEL_BINS, dtype=np.float64)

    def hear(self, power: float) -> None:
        """Take the mean square of every hop of the stream once, for the background."""
        level = math.floor(10 * math.log10(power)) if power > 0 else FAINTEST_DB - 1
        if level >= FAINTEST_DB:
            self._levels[min(level, 0) - FAINTEST_DB] += 1

    def add_speech(self, hop: Hop) -> None:
        """Take a voiced hop of a segment of speech."""
        self._voiced += 1
        self._voice += hop.voice
        self._power += hop.power
        self._clipped += int(np.count_nonzero(np.abs(hop.samples) >= FULL_SCALE))

    def add_frames(self, frames: Frames) -> None:
        """Take log-mel frames of speech, (n, 80), for the bandwidth."""
        self._bands += np.exp(frames, dtype=np.float64).sum(axis=0)

    def evidence(self) -> Evidence:
        """Return what is known by now; all zero before the first voiced hop.

        The background is the level that the quietest tenth of all hops stays below, so that speech without a pause is compared
        with its own quietest moments: its SNR is at least what is told.
        """
        if not self._voiced:
            return Evidence()
        speech = self._voiced * HOP
        over_background = self._power / self._voiced / self._background() - 1.0
        snr = 10 * math.log10(max(over_background, LOWEST_SNR))
        return Evidence(speech, snr, self._clipped / speech, self._bandwidth(), self._voice / self._voiced)

    def _background(self) -> float:
        seen = np.cumsum(self._levels)
        level = int(np.searchsorted(seen, BACKGROUND_SHARE * seen[-1])) + FAINTEST_DB
        return math.pow(10.0, (level + 0.5) / 10)

    def _bandwidth(self) -> float:
        strongest = self._bands.max()
        if strongest <= 0:
            return 0.0
        carrying = np.flatnonzero(self._bands >= strongest * 10 ** (-BAND_RANGE_DB / 10))
        return float(BAND_CENTRES[carrying[-1]])
