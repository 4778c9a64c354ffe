"""A calibration for encoders that have none, such as `tests.fakes.FakeEncoder`: simple, and known by heart."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.calibration.boundary import Boundaries, Mutual
from models.calibration.calibration import Calibration
from models.calibration.cohort import Cohort
from models.calibration.extremes import CHANCES, LIMIT, Extremes
from models.calibration.score import ScoreModel

SLOPE: Final = 50.0
NEUTRAL: Final = 0.5
"""The cosine that says nothing."""
CHANGE_AT: Final = -1.0


def plain_calibration(model_id: str = "fake-1", *, slope: float = SLOPE, neutral: float = NEUTRAL) -> Calibration:
    """Return a calibration without cohort: llr = slope * (cosine - neutral), whatever the quality.

    An impostor's attempt reaches a ratio of -log(chance), an owner's falls to log(chance): `accept_at(0.01)` is 4.6, `reject_at(0.05)`
    -3.0, whatever the other boundary.
    """
    model = ScoreModel(np.array([slope, 0, 0, 0, 0, 0]), np.array([-slope * neutral, 0, 0, 0, 0, 0]))
    table = Extremes(np.array([-LIMIT, LIMIT]), np.tile(-np.log(CHANCES), (2, 1)), np.ones(2))
    boundaries = Boundaries(table, table, Mutual(slope, -slope * neutral, 2.0), CHANGE_AT)
    return Calibration(model_id, model, Cohort(np.empty((0, 192))), boundaries)
