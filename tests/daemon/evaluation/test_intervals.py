from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from daemon.evaluation.intervals import BOOTSTRAP, EXACT, Tally, frequency, rate
from models.calibration.exact import clopper_pearson


def tally(speakers: int, each: int, wrong: dict[int, int]) -> Tally:
    """Return `each` attempts of everybody at their own voice, `wrong[speaker]` of them errors."""
    who = np.repeat(np.arange(speakers), each)
    errors = np.array([number < wrong.get(speaker, 0) for speaker in range(speakers) for number in range(each)])
    return Tally.of(who, who, errors, speakers)


@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_a_frequency_has_the_interval_of_the_chi_squared_distribution(count: int) -> None:
    counted = frequency(count, 2.0)
    low = chi2.ppf(0.025, 2 * count) / 4 if count else 0.0
    assert counted.interval == pytest.approx((low, chi2.ppf(0.975, 2 * count + 2) / 4))
    assert counted.per_hour == count / 2


def test_nothing_heard_has_no_frequency() -> None:
    assert frequency(0, 0.0).interval is None


def test_no_errors_still_leave_room_for_some() -> None:
    seen = rate([tally(10, 10, {})], seed=0)
    assert (seen.count, seen.total, seen.rate, seen.method) == (0, 100, 0.0, EXACT)
    assert seen.interval == pytest.approx((0.0, 0.0362), abs=1e-3)


def test_many_errors_are_drawn_by_speaker() -> None:
    spread = rate([tally(20, 20, dict.fromkeys(range(20), 2))], seed=0)
    of_one_person = rate([tally(20, 20, {3: 20, 4: 20})], seed=0)
    assert spread.method == of_one_person.method == BOOTSTRAP
    assert spread.rate == of_one_person.rate == 0.1
    assert spread.interval == pytest.approx((0.1, 0.1))
    assert of_one_person.interval is not None
    # The errors of two people say little about the next: attempts that were independent would have 0.07 to 0.13.
    assert of_one_person.interval[0] == 0.0
    assert of_one_person.interval[1] > 0.2


def test_few_errors_of_one_person_reach_as_far_as_the_bootstrap() -> None:
    seen = rate([tally(4, 4, {0: 4})], seed=0)
    assert seen.method == EXACT
    assert seen.interval is not None
    assert seen.interval[1] > clopper_pearson(4, 16)[1]


def test_an_impostor_counts_as_often_as_both_sides_are_drawn() -> None:
    errors = Tally.of(np.array([0, 0, 1]), np.array([1, 1, 1]), np.array([True, False, True]), 2)
    counted, attempts = errors.resampled(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]]))
    assert attempts.tolist() == [3.0, 0.0, 2.0]
    assert counted.tolist() == [2.0, 0.0, 2.0]


def test_corpora_are_pooled_by_attempts() -> None:
    assert rate([tally(10, 10, {0: 10}), tally(10, 30, {})], seed=0).rate == 10 / 400


def test_the_same_seed_gives_the_same_interval() -> None:
    counts = [tally(12, 9, {0: 4, 5: 9, 7: 2})]
    assert rate(counts, seed=3) == rate(counts, seed=3)
    assert rate(counts, seed=3).interval != rate(counts, seed=4).interval


def test_no_attempts_have_no_rate() -> None:
    nobody = np.empty(0, dtype=np.intp)
    assert rate([Tally.of(nobody, nobody, np.empty(0, dtype=np.bool_), 3)], seed=0).rate is None
