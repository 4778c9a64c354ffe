from __future__ import annotations

import numpy as np
import pytest

from models.calibration.quality import FEATURES, Quality
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials
from models.calibration.views import LEAST_OWNERS, fit_change
from tests.models.calibration.voices import Voices

MODEL = ScoreModel(np.eye(FEATURES)[0], np.zeros(FEATURES))
"""A ratio is the score itself."""
ACCEPT, DEFAULT = 3.0, -2.0


def views(owner: float, others: float, count: int = 100, steps: int = 200) -> list[Trials]:
    """Return so many streams: ratios of the owner and of one other around these means, with a deviation of 1 that lasts 20 steps."""
    random = np.random.default_rng(0)
    quality = Quality(np.full((steps, 1), 2.0), 20.0, 8000.0, np.full(2, 10.0), np.full(2, 3))
    target = np.array([True, False])
    slow = np.repeat(random.normal(size=(count, steps // 20, 2)), 20, axis=1)
    return [Trials(Voices(1).attempt(0, 0), np.arange(2), target, own + np.array([owner, others]), quality) for own in slow]


def test_someone_else_is_told_between_owners_and_most_others() -> None:
    change_at = fit_change(views(3.0, -4.0), MODEL, ACCEPT, DEFAULT)
    assert -4.0 < change_at < 0.0
    noticed = np.concatenate([each.scores[:, 1] for each in views(3.0, -4.0)]) < change_at
    assert noticed.mean() > 0.7


def test_no_change_is_told_while_the_evidence_is_for_the_speaker_however_clear_voices_are() -> None:
    assert fit_change(views(20.0, -20.0), MODEL, ACCEPT, DEFAULT) == 0.0


@pytest.mark.parametrize("count", [0, LEAST_OWNERS - 1])
def test_few_owners_tell_nothing(count: int) -> None:
    assert fit_change(views(5.0, -4.0, count), MODEL, ACCEPT, DEFAULT) == DEFAULT


def test_who_is_never_accepted_is_not_followed() -> None:
    assert fit_change(views(-9.0, -4.0), MODEL, ACCEPT, DEFAULT) == DEFAULT
