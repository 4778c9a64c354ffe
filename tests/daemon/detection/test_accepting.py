from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daemon.config import VadConfig
from daemon.detection.accepting import Followed, Trajectory, accepted, follow, score, threshold, voiceprints
from models.evaluate.trials import CorpusTrials, build_trials
from models.features import SAMPLE_RATE
from tests import audio
from tests.fakes import FakeEncoder
from tests.models.evaluate.recordings import recordings_of

VAD = VadConfig(kind="webrtc")
[TRIALS] = build_trials(recordings_of("synthetic", {"anna": 5, "ben": 4}))
"""Anna's recordings 0 to 2 and Ben's 5 to 7 enroll; 3, 4 and 8 are tests."""


def trajectory(*angles: float, first: int = SAMPLE_RATE // 2) -> Trajectory:
    """Return a trajectory through directions in the plane, one each half a second, all of it speech."""
    directions = np.array([(np.cos(angle), np.sin(angle)) for angle in angles]) if angles else np.empty((0, 0))
    at = first + np.arange(len(angles)) * SAMPLE_RATE // 2
    return Trajectory(directions, at, at)


def followed(trials: CorpusTrials, *tested: Trajectory) -> Followed:
    return score(trials, np.array([(1.0, 0.0), (0.0, 1.0)]), tested)


def test_a_recording_is_followed_as_a_daemon_hears_it() -> None:
    told = follow(FakeEncoder(), VAD, audio.join(audio.silence(1.0), audio.voice(0, 2.0)))
    assert len(told.at) == len(told.speech) == len(told.embeddings) > 20
    assert np.linalg.norm(told.embeddings, axis=1) == pytest.approx(1.0)
    assert (np.diff(told.at) >= 0).all()
    assert told.at[-1] - told.speech[-1] == pytest.approx(SAMPLE_RATE, abs=2_000)


def test_a_recording_without_speech_has_no_steps() -> None:
    assert len(follow(FakeEncoder(), VAD, audio.silence(2.0)).at) == 0


def test_a_voiceprint_is_the_mean_of_last_embeddings() -> None:
    nothing = Trajectory(np.empty((0, 0)), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    enrolled = {0: trajectory(1.0, 0.2), 1: trajectory(-0.2), 2: nothing} | dict.fromkeys((5, 6, 7), nothing)
    np.testing.assert_allclose(voiceprints(TRIALS, enrolled), [(1.0, 0.0), (0.0, 0.0)], atol=1e-12)


def test_scores_count_from_a_second_of_speech_on() -> None:
    told = followed(TRIALS, trajectory(0.0, np.pi / 3, np.pi / 2), trajectory(0.0), trajectory())
    np.testing.assert_allclose(told.scores[0], [0.5, 0.0], atol=1e-12)
    assert told.at[0].tolist() == [SAMPLE_RATE, SAMPLE_RATE * 3 // 2]
    assert [len(scores) for scores in told.scores] == [2, 0, 0, 2, 0, 0]
    np.testing.assert_allclose(told.last, [0.0, 1.0, -1.0, 1.0, 0.0, -1.0], atol=1e-12)


def test_the_threshold_lets_a_hundredth_of_the_others_in() -> None:
    random = np.random.default_rng(0)
    scores: NDArray[np.float64] = random.normal(size=TRIALS.target.size * 500)
    many: dict[str, Any] = {name: np.tile(getattr(TRIALS, name), 500) for name in ("enrolled", "tested", "one", "other", "target")}
    trials = replace(TRIALS, **many)
    told = Followed(scores, list(scores[:, np.newaxis]), [])
    least = threshold([trials], [told])
    assert np.mean(scores[~trials.target] >= least) == pytest.approx(0.01, abs=0.001)


def test_who_is_accepted_and_after_how_long() -> None:
    anna = trajectory(0.8, 0.6, 0.4, 0.2)
    told = followed(TRIALS, anna, trajectory(1.5, 1.5), trajectory(1.2, 1.2, 0.1))
    onsets = [np.array([4_000, 0, 0])]
    figures = accepted([TRIALS], [told], onsets, least=0.9)
    # Anna's first is accepted at its third look, a second and a half on; her second never; Ben's, whose first look is at a second, at once.
    assert figures.misses == pytest.approx(1 / 3)
    assert figures.seconds == pytest.approx(np.median([1.5 - 0.25, 1.0]))
    # Of three impostors, Anna's second passes for Ben at once, and Ben for Anna in the end.
    assert figures.false_accepts == pytest.approx(2 / 3)


def test_nobody_is_accepted() -> None:
    told = followed(TRIALS, trajectory(0.1, 0.1), trajectory(0.1, 0.1), trajectory(1.5, 1.5))
    figures = accepted([TRIALS], [told], [np.zeros(3, dtype=np.int64)], least=1.1)
    assert (figures.eer, figures.false_accepts, figures.misses) == (0.0, 0.0, 1.0)
    assert np.isnan(figures.seconds)
