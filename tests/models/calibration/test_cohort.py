from __future__ import annotations

import numpy as np
import pytest

from models.calibration.cohort import NEAREST, Cohort, unit
from models.calibration.quality import Rows
from tests.models.calibration.voices import SIZE, Voices


def test_without_a_cohort_scores_are_cosines() -> None:
    cohort = Cohort.none()
    enrolled = cohort.enrolled(np.array([[2.0, 0.0], [0.0, 1.0]]))
    assert cohort.scores(np.array([3.0, 4.0]), enrolled) == pytest.approx([0.6, 0.8])


def test_normalised_scores_by_hand() -> None:
    voices = np.array([[1.0, 0.0], [0.0, 1.0]])
    cohort = Cohort(voices)
    enrolled = cohort.enrolled(np.array([[0.6, 0.8]]))
    # Against the cohort the voiceprint scores 0.6 and 0.8, and what is heard 1 and 0.
    expected = 0.5 * ((0.6 - 0.7) / 0.1 + (0.6 - 0.5) / 0.5)
    assert cohort.scores(np.array([1.0, 0.0]), enrolled) == pytest.approx([expected])


def test_only_the_voices_count_that_are_most_alike() -> None:
    prints = np.array([[1.0, 0.0, 0.0]])
    near = unit(np.random.default_rng(0).normal(size=(NEAREST, 3)) + 9.0 * prints)
    far = unit(np.random.default_rng(1).normal(size=(200, 3)) - 9.0 * prints)
    assert Cohort(np.concatenate([near, far])).enrolled(prints).mean == pytest.approx(Cohort(near).enrolled(prints).mean)


def test_a_channel_that_all_share_lifts_normalised_scores_far_less() -> None:
    scores: dict[float, list[Rows]] = {}
    for shift in (0.0, 4.0):
        voices = Voices(30, shift=shift)
        cohort = Cohort(voices.others(200))
        prints = np.array([voices.enrollment(speaker, 0).voiceprint for speaker in range(10)])
        heard = np.array([voices.trajectory(speaker).embeddings[-1] for speaker in range(10, 30)])
        scores[shift] = [each.scores(heard, each.enrolled(prints)) for each in (Cohort.none(), cohort)]
    plain, normalised = ((after.mean() - before.mean()) / before.std() for before, after in zip(scores[0.0], scores[4.0], strict=True))
    assert plain > 1.0
    assert abs(normalised) < plain / 2


def test_scores_of_many_steps_are_those_of_each() -> None:
    voices = Voices(5)
    cohort = Cohort(voices.others(20))
    enrolled = cohort.enrolled(np.array([voices.enrollment(speaker, 0).voiceprint for speaker in range(5)]))
    embeddings = voices.trajectory(0).embeddings
    scores = cohort.scores(embeddings, enrolled)
    assert scores.shape == (len(embeddings), 5)
    assert cohort.scores(embeddings[7], enrolled) == pytest.approx(scores[7])


@pytest.mark.parametrize("cohort", [Cohort.none(), Cohort(np.eye(SIZE)[:2])])
def test_silence_resembles_nobody_but_has_a_score(cohort: Cohort) -> None:
    assert np.isfinite(cohort.scores(np.zeros(SIZE), cohort.enrolled(np.eye(SIZE)[:3]))).all()


def test_a_cohort_of_one_voice_and_its_very_own_are_finite() -> None:
    cohort = Cohort(np.eye(SIZE)[:1])
    assert np.isfinite(cohort.scores(np.eye(SIZE)[0], cohort.enrolled(np.eye(SIZE)[:1]))).all()
