from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from models.calibration.cohort import Cohort
from models.calibration.folds import FOLDS, deal, split
from models.calibration.trials import BUDGET_SECONDS, LEAST_SECONDS, TELLING, build_trials, trial_weights
from tests.models.calibration.voices import Voices

COHORT = Cohort.none()


def test_attempts_are_verified_against_the_voices_of_their_corpus() -> None:
    here, there = Voices(3, corpus="here").material(2), Voices(2, corpus="there").material(2)
    trials = build_trials([*here.attempts, *there.attempts], [*here.enrollments, *there.enrollments], COHORT)
    assert [len(each.target) for each in trials] == [3] * 6 + [2] * 4
    assert all(each.target.sum() == 1 for each in trials)
    assert trials[-1].enrolled.tolist() == [3, 4]


def test_nobody_is_verified_with_what_enrolled_them() -> None:
    voices = Voices(2)
    enrollments = [voices.enrollment(0, 0), voices.enrollment(1, 10)]
    (trials,) = build_trials([voices.attempt(0, 2)], enrollments, COHORT)
    assert trials.enrolled.tolist() == [1]
    assert not trials.target.any()


def test_scores_are_those_from_the_least_speech_to_the_budget() -> None:
    voices = Voices(2)
    attempt = voices.attempt(0, 100, steps=150)
    (trials,) = build_trials([attempt], [voices.enrollment(1, 0)], COHORT)
    assert trials.speech[0] == pytest.approx(LEAST_SECONDS, abs=0.08)
    assert trials.speech[-1] == pytest.approx(BUDGET_SECONDS, abs=0.08)
    assert trials.scores.shape == (len(trials.speech), 1)
    expected = COHORT.scores(attempt.trajectory.embeddings[-1], COHORT.enrolled(np.array([voices.enrollment(1, 0).voiceprint])))
    assert expected.shape == (1,)


@pytest.mark.parametrize("steps", [0, 3])
def test_attempts_with_hardly_any_speech_have_no_scores(steps: int) -> None:
    voices = Voices(2)
    (trials,) = build_trials([voices.attempt(0, 100, steps)], [voices.enrollment(1, 0)], COHORT)
    assert trials.scores.shape == (0, 1)


def test_speakers_weigh_alike_but_few_others_tell_less() -> None:
    here, there = Voices(TELLING + 2, corpus="here").material(2), Voices(4, corpus="there").material(2)
    more = [replace(attempt, recordings=frozenset({10**6 + place})) for place, attempt in enumerate(there.attempts[:2])]
    enrollments = [*here.enrollments, *there.enrollments]
    trials = build_trials([*here.attempts, *there.attempts, *more], enrollments, COHORT)
    weights = trial_weights(trials, enrollments)
    for target, share in ((True, 1.0), (False, 3 / TELLING)):
        of_speaker = np.zeros(len(enrollments))
        for each, own in zip(trials, weights, strict=True):
            np.add.at(of_speaker, each.enrolled[each.target == target], own[each.target == target])
        assert of_speaker.sum() == pytest.approx(1.0)
        assert of_speaker == pytest.approx(np.repeat([1.0, share], [TELLING + 2, 4]) / (TELLING + 2 + 4 * share))


def test_one_voice_alone_has_no_impostors() -> None:
    alone = Voices(1, corpus="alone").material(2)
    (weights, *_) = trial_weights(build_trials(alone.attempts, alone.enrollments, COHORT), alone.enrollments)
    assert weights.tolist() == [0.5]


def test_folds_share_no_speaker() -> None:
    made = Voices(30).material(2)
    trials = build_trials(made.attempts, made.enrollments, COHORT)
    dealt = deal(made.enrollments)
    assert set(Counter(dealt.values()).values()) == {30 // FOLDS}
    for fold in range(FOLDS):
        for side, kept in zip(split(trials, made.enrollments, fold), (False, True), strict=True):
            for each in side:
                assert (dealt["made up", each.attempt.speaker] == fold) == kept
                assert all((dealt["made up", made.enrollments[number].speaker] == fold) == kept for number in each.enrolled)
                assert each.scores.shape[1] == len(each.enrolled) == len(each.target) == len(np.asarray(each.quality.enrolled))
