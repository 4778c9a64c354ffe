"""Real recordings through the real daemon: the scores and error rates are those of the offline evaluation.

`SPEAKERD_SPEECH` names a directory with `dev.tsv` and the recordings that it lists.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clients.address import UnixAddress
from clients.client import Client
from clients.files import open_audio
from clients.messages import Decision, EnrollConfig, VerifyConfig
from models.evaluate.embeddings import Sound, embed_files, stack
from models.evaluate.metrics import equal_error_rate
from models.evaluate.trials import LOWEST_SCORE, CorpusTrials, build_trials, score_trials
from models.manifest import Recording, read_manifest
from tests.daemon.process import daemon_process
from tests.daemon.server.harness import short_directory

SPEECH = os.environ.get("SPEAKERD_SPEECH")
STREAMS = 4
"""Attempts at once, so that the daemon's batches hold several streams."""
TOLERANCE = 1e-3
UNCHECKED = """
enrollment: {min_speech_seconds: 0.1, min_recording_seconds: 0.01, max_clipped: 1.0, two_people_odds: 1.0e+9}
decision: {min_voice: 0.0}
"""
"""What is compared is scores: the recordings of the lists enroll whether they are good or not."""

pytestmark = [
    pytest.mark.skipif(SPEECH is None, reason="SPEAKERD_SPEECH names no directory of real recordings"),
    pytest.mark.timeout(2400),
]


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    root = Path(SPEECH or "")
    return read_manifest(root / "dev.tsv", root)


@pytest.fixture(scope="module")
def address() -> Iterator[UnixAddress]:
    with short_directory() as directory:
        config = directory / "config.yaml"
        config.write_text(UNCHECKED)
        socket = directory / "s.sock"
        arguments = ("serve", "--config", str(config), "--socket", str(socket), "--data-dir", str(directory / "data"))
        with daemon_process(directory, *arguments, module="daemon") as process:
            process.ready()
            yield UnixAddress(socket)


def test_the_daemon_scores_as_the_offline_evaluation(recordings: Sequence[Recording], address: UnixAddress) -> None:
    corpora = build_trials(recordings)
    embeddings = stack(
        [embedding for [embedding] in embed_files("daemon:edge", [Sound(recording.path) for recording in recordings], jobs=2)]
    )
    offline = [score_trials(trials, embeddings) for trials in corpora]

    with Client(address) as client:
        for trials in corpora:
            _enroll(client, trials, recordings, ~np.isnan(embeddings[:, 0]))
        online = [_verify(client, trials, recordings) for trials in corpora]

    for trials, expected, scores in zip(corpora, offline, online, strict=True):
        np.testing.assert_allclose(scores, expected, atol=TOLERANCE, rtol=0)
        rate = equal_error_rate(expected[trials.target], expected[~trials.target])
        assert equal_error_rate(scores[trials.target], scores[~trials.target]) == pytest.approx(rate, abs=TOLERANCE)
    pooled = [np.concatenate([scores[mask] for scores, mask in zip(online, masks, strict=True)]) for masks in _masks(corpora)]
    assert equal_error_rate(pooled[0], pooled[1]) < 15.0


def _enroll(client: Client, trials: CorpusTrials, recordings: Sequence[Recording], spoken: NDArray[np.bool_]) -> None:
    """Enroll from the recordings in which speech is found, `spoken`, as the offline evaluation does."""
    for indices in trials.enrollments:
        config = EnrollConfig(_name(trials, recordings[indices[0]]), allow_similar=True)
        for _ in client.enroll(config, (open_audio(recordings[index].path) for index in indices if spoken[index])):
            pass


def _verify(client: Client, trials: CorpusTrials, recordings: Sequence[Recording]) -> NDArray[np.float64]:
    """Return the daemon's score of each trial, (trials,): of each enrollment with all tests, one after the other."""
    names = [_name(trials, recordings[indices[0]]) for indices in trials.enrollments]
    config = VerifyConfig(names, interim=False, wait_for_end=True, candidates=len(names))

    def scores(index: int) -> list[float]:
        *_, decision = client.verify(config, open_audio(recordings[index].path))
        assert isinstance(decision, Decision)
        by_name = {candidate.speaker: candidate.score for candidate in decision.candidates}
        return [by_name.get(name, LOWEST_SCORE) for name in names]

    with ThreadPoolExecutor(STREAMS) as attempts:
        return np.array(list(attempts.map(scores, trials.tests))).T.ravel()


def _name(trials: CorpusTrials, recording: Recording) -> str:
    return f"{trials.corpus} {recording.speaker}"


def _masks(corpora: Sequence[CorpusTrials]) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    targets = [trials.target for trials in corpora]
    return targets, [~target for target in targets]
