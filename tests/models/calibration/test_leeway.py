from __future__ import annotations

import numpy as np
import pytest

from models.calibration.leeway import LEAST_TRIALS, NO_LEEWAY, SHARE, Leeway, fit_leeway
from models.calibration.quality import FEATURES, Quality
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials
from tests.models.calibration.voices import Voices

MODEL = ScoreModel(np.eye(FEATURES)[0], np.zeros(FEATURES))
"""A ratio is the score itself."""
WIDE, NARROW = 8000.0, 3400.0


def owners(random: np.random.Generator, snr: float, bandwidth: float, fall: float, attempts: int = 400) -> list[Trials]:
    """Return attempts of two steps, each against the own voice and another; the ratios of owners are lower by `fall`."""
    quality = Quality(np.array([[1.0], [2.0]]), np.full((2, 1), snr), np.full((2, 1), bandwidth), np.full(2, 10.0), np.full(2, 3))
    attempt, same = Voices(1).attempt(0, 0), np.array([True, False])
    scores = random.normal(5.0 - fall, 1.0, size=(attempts, 2, 2)) - 20.0 * ~same
    return [Trials(attempt, np.arange(2), same, own, quality) for own in scores]


def test_it_grows_with_the_noise_and_over_a_narrow_band() -> None:
    leeway = Leeway(noise=2.0, band=3.0)
    assert leeway.of([50.0, 30.0, 15.0, 0.0, -10.0], WIDE).tolist() == [0.0, 0.0, 1.0, 2.0, 2.0]
    assert leeway.of([30.0, 15.0], NARROW).tolist() == [3.0, 4.0]
    assert NO_LEEWAY.of([0.0, 30.0], NARROW).tolist() == [0.0, 0.0]


def test_as_many_owners_fall_to_a_boundary_at_any_quality() -> None:
    falls = {(30.0, WIDE): 0.0, (20.0, WIDE): 1.0, (15.0, WIDE): 1.5, (5.0, WIDE): 2.5, (30.0, NARROW): 2.0}
    random = np.random.default_rng(0)
    leeway = fit_leeway([each for (snr, band), fall in falls.items() for each in owners(random, snr, band, fall)], MODEL)
    assert (leeway.noise, leeway.band) == pytest.approx((3.0, 2.0), abs=0.5)
    levels = []
    for (snr, band), fall in falls.items():
        lowest = [each.scores[:, 0].min() for each in owners(random, snr, band, fall, 4000)]
        levels.append(float(np.quantile(lowest, SHARE) + leeway.of(snr, band)))
    assert levels == pytest.approx([levels[0]] * len(levels), abs=0.4)


def test_a_rejection_never_takes_less() -> None:
    random = np.random.default_rng(0)
    assert fit_leeway([*owners(random, 30.0, WIDE, 3.0), *owners(random, 5.0, WIDE, 0.0)], MODEL) == NO_LEEWAY


def test_of_few_attempts_or_of_one_quality_nothing_is_concluded() -> None:
    random = np.random.default_rng(0)
    clean = owners(random, 30.0, WIDE, 0.0)
    assert fit_leeway([], MODEL) == NO_LEEWAY
    assert fit_leeway(clean, MODEL) == NO_LEEWAY
    assert fit_leeway([*clean, *owners(random, 5.0, WIDE, 3.0, LEAST_TRIALS - 1)], MODEL) == NO_LEEWAY


def test_attempts_without_speech_tell_nothing() -> None:
    one = owners(np.random.default_rng(0), 30.0, WIDE, 0.0, 1)[0]
    none = Trials(one.attempt, one.enrolled, one.target, one.scores[:0], one.quality)
    assert fit_leeway([none] * LEAST_TRIALS, MODEL) == NO_LEEWAY
