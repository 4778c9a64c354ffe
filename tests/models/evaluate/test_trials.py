from __future__ import annotations

import numpy as np
import pytest

from models.evaluate.trials import LOWEST_SCORE, build_trials, score_trials
from tests.models.evaluate.recordings import recordings_of

RECORDINGS = recordings_of("b", {"bob": 4, "cat_unknown": 9}) + recordings_of("a", {"ann": 5, "bob": 4, "eve": 3, "many_unknown": 6})
"""Positions: 0-3 bob of b, 4-12 nobody, 13-17 ann, 18-21 bob of a, 22-24 eve, 25-30 nobody."""


def test_trials_stay_within_a_corpus() -> None:
    assert [trials.corpus for trials in build_trials(RECORDINGS)] == ["a", "b"]
    trials = build_trials(RECORDINGS)[1]
    assert trials.enrollments == ((0, 1, 2),)
    assert trials.tests.tolist() == [3]
    assert trials.target.tolist() == [True]


def test_speakers_with_four_recordings_are_enrolled_with_three_and_others_are_impostors() -> None:
    trials = build_trials(RECORDINGS)[0]
    assert trials.enrollments == ((13, 14, 15), (18, 19, 20))
    assert trials.tests.tolist() == [16, 17, 21, 22, 23, 24]
    assert trials.target.reshape(2, 6).tolist() == [[True, True, False, False, False, False], [False, False, True, False, False, False]]
    assert trials.enrolled_first.reshape(2, 6).tolist() == [[13] * 6, [18] * 6]
    assert trials.test_of.reshape(2, 6).tolist() == [[16, 17, 21, 22, 23, 24]] * 2
    assert trials.speakers == 3


def test_recordings_of_a_speaker_need_not_be_neighbours() -> None:
    recordings = recordings_of("a", {"ann": 4, "bob": 4})
    mixed = [recordings[index] for index in (0, 4, 1, 5, 2, 6, 3, 7)]
    trials = build_trials(mixed)[0]
    assert trials.enrollments == ((0, 2, 4), (1, 3, 5))
    assert trials.tests.tolist() == [6, 7]


def test_a_corpus_where_nobody_can_be_enrolled() -> None:
    trials = build_trials(recordings_of("a", {"ann": 3, "bob": 2}))[0]
    assert trials.tests.tolist() == [0, 1, 2, 3, 4]
    assert score_trials(trials, np.ones((5, 2))).shape == (0,)
    assert trials.target.shape == (0,)


def test_unlabelled_recordings_alone_give_no_corpus() -> None:
    assert build_trials(recordings_of("a", {"x_unknown": 8})) == []


def test_scores_by_hand() -> None:
    trials = build_trials(recordings_of("a", {"ann": 4, "bob": 1}))[0]
    # Unit lengths (1, 0), (1, 0), (0, 1): their mean points to (2, 1), however long the embeddings are.
    embeddings = np.array([[1.0, 0.0], [7.0, 0.0], [0.0, 0.1], [0.0, 3.0], [-1.0, 0.0]])
    assert score_trials(trials, embeddings) == pytest.approx(np.array([1.0, -2.0]) / np.sqrt(5.0))


def test_a_test_recording_without_embedding_scores_lowest() -> None:
    trials = build_trials(recordings_of("a", {"ann": 4, "bob": 1}))[0]
    embeddings = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [np.nan, np.nan], [1.0, 0.0]])
    assert score_trials(trials, embeddings) == pytest.approx(np.array([LOWEST_SCORE, 1.0]))


def test_an_enrollment_uses_the_embeddings_that_it_has() -> None:
    trials = build_trials(recordings_of("a", {"ann": 4, "bob": 1}))[0]
    embeddings = np.array([[1.0, 0.0], [np.nan, np.nan], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert score_trials(trials, embeddings) == pytest.approx(np.array([0.0, 1.0]))


def test_an_enrollment_without_any_embedding_scores_lowest_everywhere() -> None:
    trials = build_trials(recordings_of("a", {"ann": 4, "bob": 1}))[0]
    embeddings = np.array([[np.nan, np.nan]] * 3 + [[0.0, 1.0], [1.0, 0.0]])
    assert score_trials(trials, embeddings) == pytest.approx(np.full(2, LOWEST_SCORE))
