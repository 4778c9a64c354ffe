"""How much speech there is on both sides of a trial, and how good it is: what a score is worth depends on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[np.float64]

FEATURES: Final = 6
NARROW_BAND: Final = 4500.0
"""Speech whose highest frequency is below, in Hz, came through a telephone or the like."""
TEST_SECONDS: Final = (0.3, 10.0)
ENROLLED_SECONDS: Final = (1.0, 60.0)
SNR_RANGE: Final = (0.0, 30.0)
"""What lies outside of these counts as their ends: nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of a trial, or of many: each field is a number or an array, and they broadcast as numpy's do.

    speech: net seconds of the voice that is verified. snr: its SNR in dB. bandwidth: its highest frequency in Hz.
    enrolled: net seconds of the recordings that were enrolled. recordings: their number.
    """

    speech: ArrayLike
    snr: ArrayLike
    bandwidth: ArrayLike
    enrolled: ArrayLike
    recordings: ArrayLike


def features(quality: Quality) -> Rows:
    """Return what a score is weighed by, (..., FEATURES): all bounded, the first of them 1."""
    speech = np.clip(np.asarray(quality.speech, dtype=np.float64), *TEST_SECONDS)
    snr = np.clip(np.asarray(quality.snr, dtype=np.float64), *SNR_RANGE)
    enrolled = np.clip(np.asarray(quality.enrolled, dtype=np.float64), *ENROLLED_SECONDS)
    recordings = np.maximum(np.asarray(quality.recordings, dtype=np.float64), 1.0)
    narrow = np.asarray(np.asarray(quality.bandwidth) < NARROW_BAND, dtype=np.float64)
    columns = (np.log(speech), snr / SNR_RANGE[1], narrow, np.log(enrolled), 1.0 / recordings)
    shared = np.broadcast_arrays(np.ones(()), *columns)
    return np.stack(shared, axis=-1)
