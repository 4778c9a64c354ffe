"""How much lower owners' ratios fall in noise and over narrow bands: a rejection there takes so much more.

Ratios are right on average at any quality. But the less there is to tell voices by, the farther owners fall: with one boundary for all,
more of them would be rejected in noise than the operator can bear, and fewer without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from models.calibration.quality import NARROW_BAND, SNR_RANGE, Rows
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials

SHARE: Final = 0.05
"""The level that this share of owners' attempts fall to is what is compared."""
LEAST_TRIALS: Final = 40
"""Of fewer attempts nothing is concluded."""
BELOW: Final = (12.0, 18.0, 24.0)
"""SNR in dB at which attempts are told apart."""


@dataclass(frozen=True)
class Leeway:
    """Natural log-likelihood ratios, 0 or more. noise: at 0 dB of speech over noise, against 30 dB. band: over a narrow band."""

    noise: float = 0.0
    band: float = 0.0

    def of(self, snr: ArrayLike, bandwidth: ArrayLike) -> Rows:
        """Return how much lower than else a ratio must be for a rejection; snr in dB, bandwidth in Hz, of any shape that broadcasts."""
        narrow = np.asarray(bandwidth, dtype=np.float64) < NARROW_BAND
        lower: Rows = self.noise * _noisiness(np.asarray(snr, dtype=np.float64)) + self.band * narrow
        return lower


NO_LEEWAY: Final = Leeway()


def _noisiness(snr: Rows) -> Rows:
    """Return 1 for the noisiest speech that is told apart, 0 for the cleanest."""
    least, most = SNR_RANGE
    share: Rows = (most - np.clip(snr, least, most)) / (most - least)
    return share


def fit_leeway(trials: Sequence[Trials], model: ScoreModel) -> Leeway:
    """Fit the leeway to how low the ratios of owners fall; none where too few attempts tell."""
    lowest, snr, narrow = np.concatenate([_lowest(each, model) for each in trials] or [np.empty((3, 0))], axis=1)
    group = np.where(narrow > 0, -1, np.searchsorted(BELOW, snr, side="right"))
    told = [own for number in np.unique(group) if np.count_nonzero(own := group == number) >= LEAST_TRIALS]
    if len(told) <= 1:
        return NO_LEEWAY
    level = np.array([np.quantile(lowest[own], SHARE) for own in told])
    root = np.sqrt([np.count_nonzero(own) for own in told])
    design = np.array([[1.0, -_noisiness(snr[own]).mean(), -narrow[own].mean()] for own in told])
    _, noise, band = np.linalg.lstsq(design * root[:, None], level * root, rcond=None)[0]
    return Leeway(max(float(noise), 0.0), max(float(band), 0.0))


def _lowest(trials: Trials, model: ScoreModel) -> Rows:
    """Return the lowest ratio of each target trial, and the SNR and whether the band was narrow then, (3, n)."""
    if not len(trials.scores) or not trials.target.any():
        return np.empty((3, 0))
    ratios = model.llrs(trials.scores, trials.quality)[:, trials.target]
    step = ratios.argmin(axis=0)
    snr, bandwidth = (np.asarray(side)[step, 0] for side in (trials.quality.snr, trials.quality.bandwidth))
    return np.stack([ratios.min(axis=0), snr, np.asarray(bandwidth < NARROW_BAND, dtype=np.float64)])
