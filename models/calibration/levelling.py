"""Ratios made alike where they decide: what few impostors reach must not depend on how a voice was enrolled, or on the band.

Regression makes ratios right on average. But of single recordings, and over narrow bands, a few impostors go farther than the average
tells; one boundary for all would be too strict for most enrollments, or too lax for those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

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


def levelled(model: ScoreModel, varied: Sequence[Trials], usual: Sequence[Trials]) -> ScoreModel:
    """Return the model with ratios lowered for narrow bands, and for fewer recordings than most are enrolled with, if impostors go farther.

    varied: against speakers who were enrolled with few recordings and with many, which tell what their number is worth. usual: against
    all, for attempts over narrow bands are few.
    """
    of_recordings, of_band = max(_of_recordings(_levels(varied, model)), 0.0), max(_of_band(_levels(usual, model)), 0.0)
    most = 1.0 / max((float(np.max(each.quality.recordings)) for each in varied if len(each.target)), default=1.0)
    offset = model.offset.copy()
    offset[_BAND] -= of_band
    offset[_RECORDINGS] -= of_recordings
    offset[0] += of_recordings * most
    return replace(model, offset=offset)


class _Level(NamedTuple):
    """The level that `SHARE` of the impostors reach, and how well it is known: the root of the number of trials."""

    level: float
    root: float


_Levels = dict[tuple[bool, int], _Level]
"""By whether the band is narrow, and the number of recordings."""


def _levels(trials: Sequence[Trials], model: ScoreModel) -> _Levels:
    columns = [_highest(each, model) for each in trials] or [(np.empty(0),) * 3]
    peaks, narrow, recordings = (np.concatenate(column) for column in zip(*columns, strict=True))
    levels = {}
    for band, number in sorted(set(zip(narrow.tolist(), recordings.tolist(), strict=True))):
        own = peaks[(narrow == band) & (recordings == number)]
        if len(own) >= LEAST_TRIALS:
            levels[bool(band), int(number)] = _Level(float(np.quantile(own, 1.0 - SHARE)), float(np.sqrt(len(own))))
    return levels


def _of_recordings(levels: _Levels) -> float:
    """Return how much farther impostors go over a wide band, by one over the number of recordings; 0 where one number is all there is."""
    rows = [(level.root, level.root / number, level.root * level.level) for (narrow, number), level in levels.items() if not narrow]
    if len(rows) <= 1:
        return 0.0
    root, inverse, reached = np.array(rows).T
    return float(np.linalg.lstsq(np.stack([root, inverse], axis=1), reached, rcond=None)[0][1])


def _of_band(levels: _Levels) -> float:
    """Return how much farther impostors go over a narrow band with as many recordings; 0 where nothing tells."""
    pairs = [(level, levels[False, number]) for (narrow, number), level in levels.items() if narrow and (False, number) in levels]
    farther = [level.level - wide.level for level, wide in pairs]
    return float(np.average(farther, weights=[level.root for level, _ in pairs])) if pairs else 0.0


def _highest(trials: Trials, model: ScoreModel) -> tuple[Rows, Rows, Rows]:
    """Return the highest ratio of each non-target trial, whether it ended in a narrow band, and how many recordings enrolled the voice."""
    others = ~trials.target
    recordings = np.asarray(trials.quality.recordings, dtype=np.float64)[others]
    if not len(trials.scores):
        return np.full(len(recordings), -LIMIT), np.zeros(len(recordings)), recordings
    narrow = float(np.asarray(trials.quality.bandwidth)[-1, 0] < NARROW_BAND)
    return model.llrs(trials.scores, trials.quality)[:, others].max(axis=0), np.full(len(recordings), narrow), recordings
