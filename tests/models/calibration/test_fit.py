from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.calibration.attempts import Material, MaterialError
from models.calibration.calibration import Calibration
from models.calibration.cohort import Cohort
from models.calibration.extremes import LIMIT
from models.calibration.fit import LEAST_SPEAKERS, attempts_reach, fit, fit_extremes, information_loss, looks_at
from models.calibration.quality import Quality
from models.calibration.rates import outcomes
from models.calibration.trials import build_trials
from tests.models.calibration.voices import Voices


@pytest.fixture(scope="module")
def material() -> Material:
    return Voices(60).material(6)


@pytest.fixture(scope="module")
def calibration(material: Material) -> Calibration:
    return fit("made-up-1", material, Cohort.none())


def test_how_far_attempts_reach_by_hand() -> None:
    ratios = np.array([[1.0, -5.0], [-2.0, 3.0], [4.0, 9.0]])
    reached = attempts_reach(ratios, -ratios, np.array([1.5, 2.0, 6.0, LIMIT]))
    # The first attempt falls to -2 in its second step, the other one to -5 at once.
    assert reached.tolist() == [[1.0, 1.0, 4.0, 4.0], [-LIMIT, -LIMIT, 9.0, 9.0]]


def test_an_attempt_without_a_step_reaches_nothing() -> None:
    assert attempts_reach(np.empty((0, 2)), np.empty((0, 2)), np.array([1.0, LIMIT])).tolist() == [[-LIMIT] * 2] * 2


@pytest.mark.parametrize("chance", [0.3, 0.05, 0.01, 1e-4])
def test_the_levels_of_many_exponential_attempts_are_found(chance: float) -> None:
    drawn = np.random.default_rng(0).exponential(2.0, size=(40_000, 1))
    extremes = fit_extremes(np.tile(drawn, 18), np.ones(len(drawn)))
    assert extremes.level(chance) == pytest.approx(-2 * np.log(chance), rel=0.06)


def test_who_weighs_nothing_is_not_counted() -> None:
    reached = np.tile(np.concatenate([np.linspace(0.0, 1.0, 1000), np.full(1000, 50.0)])[:, None], 18)
    extremes = fit_extremes(reached, np.repeat([1.0, 0.0], 1000))
    assert extremes.level(0.5) == pytest.approx(0.5, abs=0.01)
    assert extremes.level(0.01) < 1.1


@pytest.mark.parametrize(("far", "frr"), [(0.01, 0.05), (0.002, 0.05), (0.05, 0.02)])
def test_other_voices_keep_the_rates(calibration: Calibration, far: float, frr: float) -> None:
    others = Voices(150, seed=1).material(6)
    trials = build_trials(others.attempts, others.enrollments, calibration.cohort)
    bounds = calibration.boundaries
    told = outcomes(trials, others.enrollments, calibration.model, bounds.pair(far, frr), bounds.leeway)
    false_accepts, false_rejects = told.rate(told.accepted, target=False), told.rate(told.rejected, target=True)
    assert far / 2 < false_accepts.share < 2 * far
    assert frr / 2 < false_rejects.share < 2 * frr


def test_ratios_are_worth_what_they_say(calibration: Calibration) -> None:
    others = Voices(60, seed=2).material(4)
    looks = looks_at(build_trials(others.attempts, others.enrollments, calibration.cohort), others.enrollments)
    loss = information_loss(looks, calibration.model)
    assert loss < 0.6
    for scale, shift in ((0.7, 0.0), (1.4, 0.0), (1.0, 1.0), (1.0, -1.0)):
        model = replace(
            calibration.model, slope=scale * calibration.model.slope, offset=scale * calibration.model.offset + shift * np.eye(6)[0]
        )
        assert information_loss(looks, model) > loss


def test_more_speech_makes_the_same_score_worth_more(calibration: Calibration) -> None:
    quality = Quality(np.array([0.5, 1.0, 2.0, 4.0]), 20.0, 8000.0, 9.6, 3)
    high, low = calibration.llrs(np.full(4, 0.95), quality), calibration.llrs(np.full(4, -0.3), quality)
    assert (np.diff(high) > 0).all()
    assert (np.diff(low) < 0).all()


def test_voices_that_are_more_alike_take_each_others_place_more_often(calibration: Calibration) -> None:
    mutual = calibration.boundaries.mutual
    assert mutual.slope > 0
    accept = calibration.boundaries.accept_at(0.01)
    assert calibration.boundaries.mutual_false_accept(0.9, accept) > 0.05
    assert calibration.boundaries.mutual_false_accept(0.0, accept) < 0.02


def test_a_view_of_another_voice_is_below_where_a_change_is_told(calibration: Calibration) -> None:
    material = Voices(40, seed=3).material(1)
    trials = build_trials(material.views, material.enrollments, calibration.cohort)
    told = [calibration.llrs(each.scores, each.quality)[-1] <= calibration.boundaries.change_at for each in trials]
    owners = np.concatenate([below[each.target] for below, each in zip(told, trials, strict=True)])
    others = np.concatenate([below[~each.target] for below, each in zip(told, trials, strict=True)])
    assert owners.mean() < 0.05
    assert others.mean() > 0.6


def test_the_same_material_gives_the_same_calibration(material: Material, calibration: Calibration) -> None:
    again = fit("made-up-1", material, Cohort.none())
    assert again.boundaries.pair(0.01, 0.05) == calibration.boundaries.pair(0.01, 0.05)
    assert (again.model.slope == calibration.model.slope).all()


def test_attempts_without_speech_take_part(material: Material, calibration: Calibration) -> None:
    voices = Voices(60)
    silent = [voices.attempt(speaker, 1000 * speaker + 700, steps=0) for speaker in range(60)]
    fitted = fit("made-up-1", replace(material, attempts=[*material.attempts, *silent]), Cohort.none())
    # Who says nothing is not accepted: the rate is of all attempts.
    assert fitted.boundaries.accept_at(0.01) < calibration.boundaries.accept_at(0.01)


def test_too_few_speakers_are_refused() -> None:
    with pytest.raises(MaterialError, match="a calibration needs 10"):
        fit("made-up-1", Voices(LEAST_SPEAKERS - 1).material(), Cohort.none())
    fit("made-up-1", Voices(LEAST_SPEAKERS).material(), Cohort.none())
