from __future__ import annotations

import numpy as np
import pytest

from models.calibration.quality import Quality
from models.calibration.score import ScoreModel

QUALITY = Quality(1.0, 0.0, 7000.0, 1.0, 1)
"""Its features: 1, 0, 0, 0, 0, 1."""


def test_ratios_by_hand() -> None:
    model = ScoreModel(np.array([2.0, 0.9, 0.9, 0.9, 0.9, 1.0]), np.array([-1.0, 0.9, 0.9, 0.9, 0.9, 0.5]))
    assert model.llrs(np.array([0.0, 0.5]), QUALITY) == pytest.approx([-0.5, 1.0])


def test_a_higher_score_never_speaks_against_a_voice() -> None:
    # What was learned of the number of recordings alone would turn the slope around for one of them.
    model = ScoreModel(np.array([2.0, 0, 0, 0, 0, -3.0]), np.zeros(6))
    low, high = model.llrs(np.array([0.2, 0.8]), QUALITY)
    assert low < high


def test_each_trial_is_of_its_own_quality() -> None:
    model = ScoreModel(np.array([1.0, 1.0, 0, 0, 0, 0]), np.zeros(6))
    speech = np.array([1.0, np.e])
    assert model.llrs(np.ones(2), Quality(speech, 20.0, 7000.0, 10.0, 3)) == pytest.approx([1.0, 2.0])
