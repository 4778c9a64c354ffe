"""Where the latest speech alone says that someone else talks now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.calibration.quality import Rows
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials

HOLD: Final = 3
"""A change is believed that so many steps in a row tell of."""
FALSE_CHANGES: Final = 0.5
"""How often in an hour of one speaker's speech there may seem to be a change."""
STEP_HOURS: Final = 0.08 / 3600
TAIL: Final = 0.05
"""The attempts that fall lowest, so many of them, tell how the tail goes on."""
LEAST_OWNERS: Final = 20


def fit_change(views: Sequence[Trials], model: ScoreModel, accept: float, default: float) -> float:
    """Return the ratio of a view below which its speaker is taken for another; `default` where fewer than 20 attempts tell.

    views: trials whose scores are of the latest speech. Only owners count whom a view accepts, from then on: others are not followed.
    """
    lows, steps = [], 0
    for each in views:
        ratios = model.llrs(each.scores, each.quality)[:, each.target]
        for column in ratios.T:
            followed = column[np.argmax(column >= accept) :] if (column >= accept).any() else column[:0]
            if len(followed) >= HOLD:
                lows.append(_lowest_held(followed))
                steps += len(followed)
    if len(lows) < LEAST_OWNERS:
        return default
    return _level(-np.array(lows), FALSE_CHANGES * STEP_HOURS * steps / len(lows))


def _lowest_held(ratios: Rows) -> float:
    """Return the lowest level that `HOLD` ratios in a row, of (k,), stay at or below."""
    return float(np.lib.stride_tricks.sliding_window_view(ratios, HOLD).max(axis=1).min())


def _level(depths: Rows, chance: float) -> float:
    """Return the negative of the depth that attempts reach with this chance, by an exponential tail."""
    start = np.quantile(depths, 1 - TAIL)
    scale = (depths[depths > start] - start).mean() if (depths > start).any() else 0.0
    return -float(start + scale * max(0.0, np.log(TAIL / chance)))
