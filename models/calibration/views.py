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
NOTICED: Final = 0.75
"""So many views of another voice say so, even if there were more false changes then."""
STEP_HOURS: Final = 0.08 / 3600
TAIL: Final = 0.05
"""The attempts that fall lowest, so many of them, tell how the tail goes on."""
LEAST_OWNERS: Final = 20


def fit_change(views: Sequence[Trials], model: ScoreModel, accept: float, default: float) -> float:
    """Return the ratio of a view below which its speaker is taken for another; `default` where fewer than 20 attempts tell.

    views: trials whose scores are of the latest speech. Only owners count whom a view accepts, from then on: others are not followed.
    What one row of recordings from several days says of changes is worse than what one stream does: if most others would be missed, it
    is not believed. Nor is a ratio above 0, which speaks for the speaker, however far above it all these owners stay.
    """
    ratios = [model.llrs(each.scores, each.quality) for each in views]
    own = [column for each, told in zip(views, ratios, strict=True) for column in told[:, each.target].T]
    others = np.concatenate([told[:, ~each.target].ravel() for each, told in zip(views, ratios, strict=True)] or [np.empty(0)])
    followed = [column[np.argmax(column >= accept) :] for column in own if (column >= accept).any()]
    lows = [_lowest_held(column) for column in followed if len(column) >= HOLD]
    if len(lows) < LEAST_OWNERS or not len(others):
        return default
    hours = STEP_HOURS * sum(map(len, followed)) / len(lows)
    return min(0.0, max(_level(-np.array(lows), FALSE_CHANGES * hours), float(np.quantile(others, NOTICED))))


def _lowest_held(ratios: Rows) -> float:
    """Return the lowest level that `HOLD` ratios in a row, of (k,), stay at or below."""
    return float(np.lib.stride_tricks.sliding_window_view(ratios, HOLD).max(axis=1).min())


def _level(depths: Rows, chance: float) -> float:
    """Return the negative of the depth that attempts reach with this chance, by an exponential tail."""
    start = np.quantile(depths, 1 - TAIL)
    scale = (depths[depths > start] - start).mean() if (depths > start).any() else 0.0
    return -float(start + scale * max(0.0, np.log(TAIL / chance)))
