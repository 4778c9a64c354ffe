"""Ratios made alike where they decide: what few impostors reach must not depend on how a voice was enrolled, or on the band.

Regression makes ratios right on average. But of single recordings, and over narrow bands, a few impostors go farther than the average
tells; one boundary for all would be too strict for most enrollments, or too lax for those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.calibration.extremes import LIMIT
from models.calibration.quality import NARROW_BAND, Rows
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials

SHARE: Final = 0.01
"""The level that this share of impostors' attempts reach is made alike."""
LEAST_TRIALS: Final = 500
"""Of fewer attempts nothing is concluded."""
_BAND, _RECORDINGS = 3, 5
"""Places of the features that tell of the two: narrow band, and one over the number of recordings."""


def levelled(model: ScoreModel, trials: Sequence[Trials]) -> ScoreModel:
    """Return the model with ratios lowered for narrow bands, and for fewer recordings than most are enrolled with, if impostors go farther.

    trials: against speakers who were enrolled with few recordings and with many.
    """
    columns = [_highest(each, model) for each in trials]
    peaks, narrow, recordings = (np.concatenate(column) for column in zip(*columns, strict=True))
    groups = [(band, number) for band in (0.0, 1.0) for number in np.unique(recordings)]
    told = [(band, 1.0 / number, peaks[(narrow == band) & (recordings == number)]) for band, number in groups]
    rows = [(np.sqrt(len(own)), band, inverse, np.quantile(own, 1.0 - SHARE)) for band, inverse, own in told if len(own) >= LEAST_TRIALS]
    if not rows:
        return model
    root, band, inverse, level = np.array(rows).T
    most = 1.0 / recordings.max()
    design = np.stack([np.ones_like(band), band, inverse - most], axis=1)
    _, of_band, of_recordings = np.linalg.lstsq(design * root[:, None], level * root, rcond=None)[0]
    offset = model.offset.copy()
    offset[_BAND] -= max(of_band, 0.0)
    offset[_RECORDINGS] -= max(of_recordings, 0.0)
    offset[0] += max(of_recordings, 0.0) * most
    return replace(model, offset=offset)


def _highest(trials: Trials, model: ScoreModel) -> tuple[Rows, Rows, Rows]:
    """Return the highest ratio of each non-target trial, whether it ended in a narrow band, and how many recordings enrolled the voice."""
    others = ~trials.target
    recordings = np.asarray(trials.quality.recordings, dtype=np.float64)[others]
    if not len(trials.scores):
        return np.full(len(recordings), -LIMIT), np.zeros(len(recordings)), recordings
    narrow = float(np.asarray(trials.quality.bandwidth)[-1, 0] < NARROW_BAND)
    return model.llrs(trials.scores, trials.quality)[:, others].max(axis=0), np.full(len(recordings), narrow), recordings
