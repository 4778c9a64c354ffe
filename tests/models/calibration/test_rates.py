from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.calibration.assess import assess
from models.calibration.attempts import Material, MaterialError
from models.calibration.boundary import Pair
from models.calibration.cohort import Cohort
from models.calibration.rates import Outcomes, joined, outcomes
from models.calibration.score import ScoreModel
from models.calibration.trials import build_trials
from tests.models.calibration.voices import Voices

COSINES = ScoreModel(np.eye(6)[0], np.zeros(6))
"""Ratios that are the cosines themselves."""


def some(*, seed: int = 0) -> tuple[Voices, Outcomes]:
    voices = Voices(8, seed=seed)
    made = voices.material(2)
    trials = build_trials(made.attempts, made.enrollments, Cohort.none())
    return voices, outcomes(trials, made.enrollments, COSINES, Pair(0.6, 0.0))


def test_an_attempt_ends_at_the_boundary_that_it_reaches_first() -> None:
    voices = Voices(1)
    enrollments = [voices.enrollment(0, 0)]
    trials = build_trials([voices.attempt(0, 9)], enrollments, Cohort.none())
    first = float(trials[0].scores[0, 0])
    at_once = outcomes(trials, enrollments, COSINES, Pair(first, first - 1))
    assert (at_once.accepted.tolist(), at_once.rejected.tolist()) == ([True], [False])
    assert at_once.seconds[0] == trials[0].speech[0]
    rejected = outcomes(trials, enrollments, COSINES, Pair(first + 1, first))
    assert (rejected.accepted.tolist(), rejected.rejected.tolist()) == ([False], [True])
    never = outcomes(trials, enrollments, COSINES, Pair(2.0, -2.0))
    assert not never.accepted.any()
    assert not never.rejected.any()
    assert np.isnan(never.seconds).all()


def test_rates_and_their_intervals() -> None:
    names, target = np.repeat(["a", "b", "c", "d"], 25), np.ones(100, dtype=bool)
    wrong = np.arange(100) % 10 == 0
    told = Outcomes(names, np.repeat("clean", 100), target, ~wrong, wrong, np.ones(100))
    rate = told.rate(told.rejected, target=True)
    assert rate.share == pytest.approx(0.1)
    assert rate.low <= 0.1 <= rate.high
    assert np.isnan(told.rate(told.accepted, target=False).share)


def test_parts_are_joined() -> None:
    (_, one), (_, other) = some(), some(seed=1)
    both = joined([one, other])
    assert len(both.target) == len(one.target) + len(other.target)
    assert both.accepted.sum() == one.accepted.sum() + other.accepted.sum()


def test_kinds_of_conditions_are_told_apart() -> None:
    voices = Voices(8)
    made = voices.material(2)
    heard = [replace(one, condition=f"noise {place}") if place % 2 else one for place, one in enumerate(made.attempts)]
    told = outcomes(build_trials(heard, made.enrollments, Cohort.none()), made.enrollments, COSINES, Pair(0.6, 0.0))
    clean, noise = told.under("clean"), told.under("noise")
    assert len(clean.target) == len(noise.target) == len(told.target) // 2
    assert clean.accepted.sum() + noise.accepted.sum() == told.accepted.sum()
    assert not len(told.under("room").target)


def test_voices_that_nothing_was_fitted_on_keep_the_rates() -> None:
    assessed = assess(Voices(100).material(4), Cohort.none())
    told = assessed.outcomes
    assert assessed.cost < 0.6
    low, high = told.rate(told.accepted, target=False)[1:]
    assert low < 0.012
    assert high > 0.008
    low, high = told.rate(told.rejected, target=True)[1:]
    assert low < 0.06
    assert high > 0.04


def test_too_few_speakers_are_not_measured() -> None:
    with pytest.raises(MaterialError):
        assess(Voices(3).material(), Cohort.none())


def test_what_was_never_seen_is_not_held_for_impossible() -> None:
    always = np.ones(20, dtype=bool)
    told = Outcomes(np.repeat(["a", "b"], 10), np.repeat("clean", 20), always, always, ~always, np.ones(20))
    assert list(told.rate(told.rejected, target=True)) == pytest.approx([0.0, 0.0, 0.1684], abs=1e-4)
    assert list(told.rate(told.accepted, target=True)) == pytest.approx([1.0, 0.8316, 1.0], abs=1e-4)


def test_small_corpora_are_dealt_into_folds_that_compare_somebody() -> None:
    made = [Voices(5, seed=seed, corpus=f"household {seed}").material(2) for seed in range(4)]
    together = Material([a for m in made for a in m.attempts], [e for m in made for e in m.enrollments], [], made[0].others)
    assessed = assess(together, Cohort.none())
    assert 0.0 < assessed.cost < 1.0
    assert assessed.outcomes.rate(assessed.outcomes.accepted, target=False).share < 0.2


def test_voices_that_are_compared_with_nobody_are_refused() -> None:
    made = [Voices(1, seed=seed, corpus=f"room {seed}").material(2) for seed in range(12)]
    apart = Material([a for m in made for a in m.attempts], [e for m in made for e in m.enrollments], [], made[0].others)
    with pytest.raises(MaterialError, match="give several of them one corpus"):
        assess(apart, Cohort.none())


def test_those_who_are_heard_in_their_enrollment_alone_do_not_count() -> None:
    made = Voices(12).material(2)
    own = {(one.speaker, one.corpus): one.recordings for one in made.enrollments}
    again = [replace(one, recordings=own[one.speaker, one.corpus]) for one in made.attempts]
    with pytest.raises(MaterialError, match=r"^0 speakers have enough speech"):
        assess(replace(made, attempts=again), Cohort.none())
