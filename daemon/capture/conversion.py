"""From what a device delivers to what sessions hear."""

from __future__ import annotations

from typing import Self

import numpy as np
import soxr

from daemon.capture.records import Samples
from models.features import SAMPLE_RATE, Waveform


class Conversion:
    """Brings one stretch of a device's audio, without a gap, to 16 kHz, and amplifies it; what then exceeds full scale is clipped."""

    def __init__(self, rate: int, gain_db: float) -> None:
        self._rate = rate
        self._gain_db = gain_db
        self._gain = np.float32(10 ** (gain_db / 20))
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")

    def push(self, samples: Samples) -> Waveform:
        """Take the next samples, shape (n,); return those that they complete."""
        # A device whose own format is float may deliver anything.
        finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        converted = finite if self._resampler is None else self._resampler.resample_chunk(finite)
        amplified: Waveform = np.clip(converted * self._gain, -1.0, 1.0).astype(np.float32)
        return amplified

    def anew(self) -> Self:
        """Return what converts the stretch after a gap."""
        return type(self)(self._rate, self._gain_db)
