from __future__ import annotations

from math import log, log2

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluate.calibration import FOLDS, actual_cost, calibrate, fit_logistic, ratio_cost
from models.evaluate.metrics import error_rates
from tests.models.evaluate.recordings import normal_scores


def test_ratio_cost_by_hand() -> None:
    targets, nontargets = np.log([3.0, 1.0]), np.log([1.0, 1 / 7])
    # Odds of 3 and 1 for what is true; of 1 and 7 against what is not.
    expected = ((log2(4 / 3) + 1) / 2 + (1 + log2(8 / 7)) / 2) / 2
    assert ratio_cost(targets, nontargets) == pytest.approx(expected)


def test_ratios_that_say_nothing_cost_one_bit_and_wrong_ones_more() -> None:
    assert ratio_cost(np.zeros(3), np.zeros(5)) == pytest.approx(1.0)
    assert ratio_cost(np.full(3, -1000.0), np.full(5, 1000.0)) == pytest.approx(1000 / log(2))
    assert ratio_cost(np.full(3, 1000.0), np.full(5, -1000.0)) == 0.0


@pytest.mark.parametrize(
    ("targets", "nontargets", "cost"),
    [
        # The ratio has to outweigh odds of 99 to 1.
        pytest.param([4.7, 4.5, 9.0, 0.0], [-3.0, 0.0], 0.01 * 2 / 4 / 0.01, id="two of four missed"),
        pytest.param([9.0], [4.5, 4.7, -1.0, -2.0], 0.99 / 4 / 0.01, id="one of four accepted"),
        pytest.param([9.0], [-9.0], 0.0, id="no error"),
        pytest.param([-9.0], [-9.0], 1.0, id="all rejected"),
    ],
)
def test_actual_cost_by_hand(targets: list[float], nontargets: list[float], cost: float) -> None:
    assert log(99) == pytest.approx(4.595, abs=1e-3)
    assert actual_cost(np.array(targets), np.array(nontargets), 0.01) == pytest.approx(cost)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.05, 0.4), (-3.0, 7.0)])
def test_the_ratios_of_normal_scores_are_found_whatever_the_scale(scale: float, shift: float) -> None:
    # With means of +-2 and variance 4, the log-likelihood ratio of a score is the score.
    targets, nontargets = normal_scores(2.0, 2.0), normal_scores(-2.0, 2.0)
    slope, offset = fit_logistic(scale * targets + shift, scale * nontargets + shift)
    assert slope * scale == pytest.approx(1.0, abs=2e-3)
    assert slope * shift + offset == pytest.approx(0.0, abs=2e-3)


def test_calibration_does_not_depend_on_how_many_trials_of_a_kind_there_are() -> None:
    targets, nontargets = normal_scores(1.0, 1.0, 501), normal_scores(-1.0, 1.0, 501)
    assert fit_logistic(targets, np.tile(nontargets, 9)) == pytest.approx(fit_logistic(targets, nontargets), abs=1e-3)


def test_no_other_map_costs_less() -> None:
    random = np.random.default_rng(0)
    targets, nontargets = random.gumbel(1.0, 1.0, 300), random.standard_t(3, 900)
    slope, offset = fit_logistic(targets, nontargets)
    best = ratio_cost(slope * targets + offset, slope * nontargets + offset)
    for change in ((0.05, 0.0), (-0.05, 0.0), (0.0, 0.05), (0.0, -0.05)):
        other = (slope + change[0], offset + change[1])
        assert ratio_cost(other[0] * targets + other[1], other[0] * nontargets + other[1]) > best


@pytest.mark.parametrize(
    ("targets", "nontargets", "least", "most"),
    [
        pytest.param([0.8, 0.9], [0.1, 0.2], 0.0, 1e-3, id="separable"),
        pytest.param([0.5, 0.5], [0.5], 1.0, 1.0, id="all scores equal"),
        pytest.param([1.0, -1000.0], [0.0, -1.0], 0.5, 1.0, id="an outlier"),
    ],
)
def test_scores_that_are_hard_to_fit_give_finite_maps(targets: list[float], nontargets: list[float], least: float, most: float) -> None:
    slope, offset = fit_logistic(np.array(targets), np.array(nontargets))
    assert np.isfinite([slope, offset]).all()
    cost = ratio_cost(slope * np.array(targets) + offset, slope * np.array(nontargets) + offset)
    assert least - 1e-9 <= cost <= most + 1e-9


def trials(speakers: int = 20, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """Return the scores of every speaker against every other, whether they are the same, and their folds."""
    one, other = (side.ravel() for side in np.indices((speakers, speakers)))
    target = one == other
    scores = np.where(target, 2.0, -2.0) + 2.0 * np.random.default_rng(seed).normal(size=len(one))
    return scores, target, one % FOLDS, other % FOLDS


def test_the_map_of_a_trial_knows_nothing_of_its_speakers() -> None:
    scores, target, one, other = trials()
    before = calibrate(scores, target, one, other)
    touched = np.isin(one, (1, 3)) | np.isin(other, (1, 3))
    after = calibrate(np.where(touched, -scores, scores), target, one, other)
    assert before is not None
    assert after is not None
    assert (after.slope[1, 3], after.offset[1, 3]) == (before.slope[1, 3], before.offset[1, 3])
    assert (after.slope[3, 1], after.offset[3, 1]) == (before.slope[1, 3], before.offset[1, 3])
    assert after.slope[0, 2] != before.slope[0, 2]


def test_each_trial_is_mapped_by_the_folds_of_its_speakers() -> None:
    scores, target, one, other = trials()
    calibration = calibrate(scores, target, one, other)
    assert calibration is not None
    among_others = ~(np.isin(one, (0, 4)) | np.isin(other, (0, 4)))
    slope, offset = fit_logistic(scores[among_others & target], scores[among_others & ~target])
    between = (one == 4) & (other == 0)
    assert calibration.ratios(scores, one, other)[between] == pytest.approx(slope * scores[between] + offset)


def test_ratios_of_many_speakers_decide_about_as_well_as_the_best_threshold() -> None:
    scores, target, one, other = trials(speakers=200)
    calibration = calibrate(scores, target, one, other)
    assert calibration is not None
    ratios = calibration.ratios(scores, one, other)
    least = error_rates(scores[target], scores[~target]).min_cost(0.5)
    assert least <= actual_cost(ratios[target], ratios[~target], 0.5) < 1.1 * least


def test_speakers_of_two_folds_are_too_few() -> None:
    assert calibrate(*trials(speakers=2)) is None
