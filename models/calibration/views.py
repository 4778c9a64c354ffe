"""Where the latest speech alone says that someone else talks now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.calibration.score import ScoreModel
from models.calibration.trials import Trials

HOLD: Final = 7
"""A change is believed that so many steps in a row tell of: in noise, three told four times as many changes that were none."""
NOTICED: Final = 2 / 3
"""So many views of another voice say so. More would be noticed sooner; at three quarters, owners in noise came within 0.1 of the level."""
LEAST_VIEWS: Final = 1000
"""Fewer views of others tell too little."""


def fit_change(views: Sequence[Trials], model: ScoreModel, default: float) -> float:
    """Return the ratio of a view below which its speaker is taken for another; `default` where there are fewer than 1000 views of others.

    views: trials whose scores are of the latest speech. How rarely owners fall so low cannot be told of the minutes that a calibration
    hears of them; how low others are can. A ratio above 0, which speaks for the speaker, is never a change.
    """
    others = np.concatenate([model.llrs(each.scores, each.quality)[:, ~each.target].ravel() for each in views] or [np.empty(0)])
    return min(0.0, float(np.quantile(others, NOTICED))) if len(others) >= LEAST_VIEWS else default
