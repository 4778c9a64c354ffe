from __future__ import annotations

import numpy as np
import pytest

from models.calibration.levelling import LEAST_TRIALS, SHARE, levelled
from models.calibration.quality import FEATURES, Quality
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials
from tests.models.calibration.voices import Voices

MODEL = ScoreModel(np.eye(FEATURES)[0], np.zeros(FEATURES))
"""A ratio is the score itself."""
WIDE, NARROW = 8000.0, 3400.0
ATTEMPTS = 50


def impostors(random: np.random.Generator, bandwidth: float, recordings: int, lift: float, attempts: int = ATTEMPTS) -> list[Trials]:
    """Return attempts with two steps against 40 voices of others, of so many recordings each; all scores are lifted by `lift`."""
    count = 40
    quality = Quality(np.array([[1.0], [2.0]]), 20.0, np.full((2, 1), bandwidth), np.full(count, 10.0), np.full(count, recordings))
    attempt = Voices(1).attempt(0, 0)
    scores = random.normal(lift, 1.0, size=(attempts, 2, count))
    return [Trials(attempt, np.arange(count), np.zeros(count, dtype=np.bool_), own, quality) for own in scores]


def level(model: ScoreModel, bandwidth: float, recordings: int, lift: float) -> float:
    """Return the ratio that `SHARE` of many such impostors reach."""
    trials = impostors(np.random.default_rng(1), bandwidth, recordings, lift, 500)
    peaks = [model.llrs(each.scores, each.quality).max(axis=0) for each in trials]
    return float(np.quantile(np.concatenate(peaks), 1.0 - SHARE))


def test_what_few_impostors_reach_is_the_same_over_narrow_bands_and_with_one_recording() -> None:
    random = np.random.default_rng(0)
    lifts = {(WIDE, 3): 0.0, (NARROW, 3): 1.5, (WIDE, 1): 0.8, (NARROW, 1): 2.3}
    trials = [each for (band, number), lift in lifts.items() for each in impostors(random, band, number, lift)]
    model = levelled(MODEL, trials, trials)
    levels = [level(model, band, number, lift) for (band, number), lift in lifts.items()]
    assert levels == pytest.approx([levels[0]] * 4, abs=0.15)
    assert levels[0] == pytest.approx(level(MODEL, WIDE, 3, 0.0), abs=0.15)


def test_ratios_are_never_raised() -> None:
    random = np.random.default_rng(0)
    trials = [*impostors(random, WIDE, 3, 1.0), *impostors(random, WIDE, 1, 0.0), *impostors(random, NARROW, 3, -1.0)]
    assert levelled(MODEL, trials, trials).offset.tolist() == MODEL.offset.tolist()


def test_who_has_few_recordings_tells_of_the_band_but_not_of_their_number() -> None:
    random = np.random.default_rng(0)
    varied = [*impostors(random, WIDE, 3, 0.0), *impostors(random, WIDE, 1, 0.0)]
    usual = [*impostors(random, WIDE, 3, 0.0), *impostors(random, WIDE, 1, 3.0), *impostors(random, NARROW, 1, 5.0)]
    model = levelled(MODEL, varied, usual)
    assert (MODEL.offset - model.offset)[3] == pytest.approx(2.0, abs=0.25)
    assert (MODEL.offset - model.offset)[5] == pytest.approx(0.0, abs=0.25)


def test_of_few_attempts_nothing_is_concluded() -> None:
    random = np.random.default_rng(0)
    few = impostors(random, NARROW, 3, 2.0, attempts=LEAST_TRIALS // 40)
    assert 40 * len(few) < LEAST_TRIALS
    assert levelled(MODEL, few, few).offset.tolist() == MODEL.offset.tolist()
    assert levelled(MODEL, [], []).offset.tolist() == MODEL.offset.tolist()
    trials = [*impostors(random, WIDE, 3, 0.0), *few]
    model = levelled(MODEL, trials, trials)
    assert model.offset.tolist() == MODEL.offset.tolist()
