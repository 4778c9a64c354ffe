from __future__ import annotations

import numpy as np
import pytest

from models.calibration.quality import FEATURES, Quality
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials
from models.calibration.views import LEAST_VIEWS, NOTICED, fit_change
from tests.models.calibration.voices import Voices

MODEL = ScoreModel(np.eye(FEATURES)[0], np.zeros(FEATURES))
"""A ratio is the score itself."""
DEFAULT = -2.0


def views(owner: float, others: float, count: int = 100, steps: int = 200) -> list[Trials]:
    """Return so many streams: ratios of the owner and of one other around these means, with a deviation of 1 that lasts 20 steps."""
    random = np.random.default_rng(0)
    quality = Quality(np.full((steps, 1), 2.0), 20.0, 8000.0, np.full(2, 10.0), np.full(2, 3))
    target = np.array([True, False])
    slow = np.repeat(random.normal(size=(count, steps // 20, 2)), 20, axis=1)
    return [Trials(Voices(1).attempt(0, 0), np.arange(2), target, own + np.array([owner, others]), quality) for own in slow]


def test_most_views_of_others_tell_of_them() -> None:
    change_at = fit_change(views(3.0, -4.0), MODEL, DEFAULT)
    ratios = np.concatenate([each.scores for each in views(3.0, -4.0)])
    assert (ratios[:, 1] < change_at).mean() == pytest.approx(NOTICED, abs=0.01)
    assert (ratios[:, 0] < change_at).mean() < 0.01


def test_no_change_is_told_while_the_evidence_is_for_the_speaker() -> None:
    assert fit_change(views(3.0, 2.0), MODEL, DEFAULT) == 0.0


@pytest.mark.parametrize("count", [0, LEAST_VIEWS // 200 - 1])
def test_few_views_tell_nothing(count: int) -> None:
    assert fit_change(views(5.0, -4.0, count), MODEL, DEFAULT) == DEFAULT
