from __future__ import annotations

from math import log
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluate.metrics import equal_error_rate, error_rates, rates_of_counts
from tests.models.evaluate.recordings import normal_scores

NORMAL = NormalDist()
# Multiples of 1/64 keep their order and distinctness under the transformations below.
SCORES = st.lists(st.integers(-64, 64).map(lambda score: score / 64), min_size=1, max_size=30)


def test_operating_points_by_hand() -> None:
    rates = error_rates(np.array([0.9, 0.4, 0.8, 0.6]), np.array([0.1, 0.5, 0.3, 0.2]))
    # Thresholds above each of 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9.
    assert rates.miss.tolist() == [0, 0, 0, 0, 0.25, 0.25, 0.5, 0.75, 1]
    assert rates.false_accept.tolist() == [1, 0.75, 0.5, 0.25, 0.25, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("targets", "nontargets", "percent"),
    [
        pytest.param([0.9, 0.8], [0.1, 0.2], 0.0, id="separable"),
        pytest.param([0.1, 0.2], [0.9, 0.8], 100.0, id="inverted"),
        pytest.param([0.9, 0.4, 0.8, 0.6], [0.1, 0.5, 0.3, 0.2], 25.0, id="an operating point"),
        # Above 0.3 misses are at 1/3; they stay there while the threshold passes 0.5 and false accepts fall from 1/2 to 0.
        pytest.param([0.3, 0.6, 0.9], [0.1, 0.5], 100 / 3, id="between operating points"),
        pytest.param([0.5], [0.5], 50.0, id="one tie"),
        # The tie cannot be broken by any threshold: the line from (0, 1/2) to (1/2, 0) tells.
        pytest.param([0.5, 0.9], [0.5, 0.1], 25.0, id="tie across the kinds"),
    ],
)
def test_equal_error_rate_by_hand(targets: list[float], nontargets: list[float], percent: float) -> None:
    assert equal_error_rate(np.array(targets), np.array(nontargets)) == pytest.approx(percent)


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.0, 4.0])
def test_equal_error_rate_of_normal_scores(distance: float) -> None:
    expected = 100 * NORMAL.cdf(-distance / 2)
    assert equal_error_rate(normal_scores(distance), normal_scores(0.0)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("distance", [2.0, 3.0, 4.0])
@pytest.mark.parametrize("prior", [0.001, 0.01, 0.5, 0.9])
def test_min_cost_of_normal_scores(distance: float, prior: float) -> None:
    threshold = distance / 2 + log((1 - prior) / prior) / distance
    cost = prior * NORMAL.cdf(threshold - distance) + (1 - prior) * NORMAL.cdf(-threshold)
    rates = error_rates(normal_scores(distance), normal_scores(0.0))
    # One half of one trial in 20,000, at the price of the rarer kind.
    assert rates.min_cost(prior) == pytest.approx(cost / min(prior, 1 - prior), abs=0.5 / 20_000 / min(prior, 1 - prior))


def test_min_cost_by_hand() -> None:
    rates = error_rates(np.array([0.9, 0.4, 0.8, 0.6]), np.array([0.1, 0.5, 0.3, 0.2]))
    assert rates.min_cost(0.01) == pytest.approx(0.25)
    assert rates.min_cost(0.5) == pytest.approx(0.25)


@given(SCORES, SCORES)
def test_a_detector_that_knows_nothing_costs_at_most_one(targets: list[float], nontargets: list[float]) -> None:
    assert 0.0 <= error_rates(np.array(targets), np.array(nontargets)).min_cost(0.01) <= 1.0


@given(SCORES, SCORES)
def test_error_rates_run_from_all_accepted_to_none(targets: list[float], nontargets: list[float]) -> None:
    rates = error_rates(np.array(targets), np.array(nontargets))
    assert (rates.miss[0], rates.false_accept[0]) == (0.0, 1.0)
    assert (rates.miss[-1], rates.false_accept[-1]) == (1.0, 0.0)
    assert np.all(np.diff(rates.miss) >= 0)
    assert np.all(np.diff(rates.false_accept) <= 0)


@given(SCORES, SCORES)
def test_only_the_order_of_scores_matters(targets: list[float], nontargets: list[float]) -> None:
    as_given = equal_error_rate(np.array(targets), np.array(nontargets))
    assert equal_error_rate(np.exp(np.array(targets)), np.exp(np.array(nontargets))) == as_given
    assert equal_error_rate(np.array(targets[::-1]), np.array(nontargets[::-1])) == as_given


@given(SCORES, SCORES)
def test_exchanging_the_kinds_and_the_sign_changes_nothing(targets: list[float], nontargets: list[float]) -> None:
    as_given = equal_error_rate(np.array(targets), np.array(nontargets))
    assert equal_error_rate(-np.array(nontargets), -np.array(targets)) == pytest.approx(as_given)


def test_a_weight_counts_as_repetition() -> None:
    weighted = rates_of_counts(np.array([0.0, 2.0, 1.0, 3.0]), np.array([4.0, 0.0, 2.0, 0.0]))
    repeated = error_rates(np.array([1, 1, 2, 3, 3, 3]), np.array([0, 0, 0, 0, 2, 2]))
    assert weighted.equal_error_rate() == pytest.approx(repeated.equal_error_rate())


@pytest.mark.parametrize(("targets", "nontargets"), [([], [0.1]), ([0.1], []), ([], [])])
def test_no_trials_of_a_kind(targets: list[float], nontargets: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one target and one non-target trial"):
        equal_error_rate(np.array(targets), np.array(nontargets))
