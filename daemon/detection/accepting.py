"""What a speech gate means for those who are recognised behind it: errors, and how long they wait.

Every trial is followed through its recording as the daemon follows it: its score is looked at after each step of the encoder, once there
is a second of speech, and whoever reaches the threshold once is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.config import VadConfig
from daemon.hearing.listener import Encode, Listener
from models.encoder import Encoder
from models.evaluate.metrics import equal_error_rate
from models.evaluate.trials import LOWEST_SCORE, CorpusTrials
from models.features import SAMPLE_RATE, Waveform

EARLIEST: Final = SAMPLE_RATE
"""Net speech in samples before anyone is accepted."""
FALSE_ACCEPTS: Final = 0.01
"""The share of non-target trials that the threshold accepts where there is no noise."""


@dataclass(frozen=True)
class Trajectory:
    """A recording step by step: the running embedding, (steps, 192), the samples heard and the net speech in samples, (steps,)."""

    embeddings: NDArray[np.float64]
    at: NDArray[np.int64]
    speech: NDArray[np.int64]


class Followed(NamedTuple):
    """Trials in the order of `CorpusTrials`: their last scores, and score by score when it was looked at, in samples."""

    last: NDArray[np.float64]
    scores: list[NDArray[np.float64]]
    at: list[NDArray[np.int64]]


class Accepted(NamedTuple):
    """EER of the last scores in percent, mean over corpora; shares of trials wrongly accepted and missed; median seconds to accept."""

    eer: float
    false_accepts: float
    misses: float
    seconds: float


def follow(encoder: Encoder, vad: VadConfig, waveform: Waveform) -> Trajectory:
    """Hear mono samples at 16 kHz in [-1, 1] to their end, behind the gate that `vad` describes."""
    listener = Listener(encoder.initial_state(), vad)
    listener.feed(waveform)
    listener.finish()
    steps: list[tuple[NDArray[np.float64], int, int]] = []
    while due := listener.poll():
        if isinstance(due, Encode):
            step = encoder.step(due.frames[np.newaxis], due.state)
            listener.encoded(step)
            steps.append((step.embedding[0].astype(np.float64), listener.at, listener.evidence.speech))
    embeddings = np.array([embedding for embedding, _, _ in steps]) if steps else np.empty((0, 0))
    at, speech = (np.array([step[place] for step in steps], dtype=np.int64) for place in (1, 2))
    return Trajectory(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True), at, speech)


def voiceprints(trials: CorpusTrials, enrolled: dict[int, Trajectory]) -> NDArray[np.float64]:
    """Return the mean last embedding of each enrollment at unit length, (enrollments, 192); recordings without one do not count.

    enrolled: the trajectory of each recording that enrolls, by its position. An enrollment without embeddings is zero.
    """
    size = max(trajectory.embeddings.shape[1] for trajectory in enrolled.values())
    last = {place: trajectory.embeddings[-1] for place, trajectory in enrolled.items() if len(trajectory.at)}
    sums = np.zeros((len(trials.enrollments), size))
    for enrollment, places in enumerate(trials.enrollments):
        for place in places:
            sums[enrollment] += last.get(place, 0.0)
    lengths: NDArray[np.float64] = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.maximum(lengths, np.finfo(np.float64).tiny)


def score(trials: CorpusTrials, prints: NDArray[np.float64], tested: Sequence[Trajectory]) -> Followed:
    """Return the scores of all trials, from the voiceprint of each enrollment and the trajectory of each test."""
    grids = [trajectory.embeddings @ prints.T if len(trajectory.at) else np.empty((0, len(prints))) for trajectory in tested]
    pairs = list(zip(trials.enrolled.tolist(), trials.tested.tolist(), strict=True))
    last = np.array([grids[test][-1, enrolled] if len(grids[test]) else LOWEST_SCORE for enrolled, test in pairs])
    late = [trajectory.speech >= EARLIEST for trajectory in tested]
    scores = [grids[test][late[test], enrolled] for enrolled, test in pairs]
    return Followed(last, scores, [tested[test].at[late[test]] for _, test in pairs])


def threshold(corpora: Sequence[CorpusTrials], followed: Sequence[Followed]) -> float:
    """Return the score that `FALSE_ACCEPTS` of the non-target trials of all corpora reach at any time."""
    highest = np.concatenate([_highest(one)[~trials.target] for trials, one in zip(corpora, followed, strict=True)])
    return float(np.quantile(highest, 1.0 - FALSE_ACCEPTS))


def accepted(corpora: Sequence[CorpusTrials], followed: Sequence[Followed], onsets: Sequence[NDArray[np.int64]], least: float) -> Accepted:
    """Return what a threshold of `least` decides; onsets: the sample where speech begins in each test of each corpus, (tests,)."""
    both = list(zip(corpora, followed, strict=True))
    eer = float(np.mean([equal_error_rate(one.last[trials.target], one.last[~trials.target]) for trials, one in both]))
    targets = np.concatenate([trials.target for trials in corpora])
    reached = np.concatenate([_highest(one) >= least for one in followed])
    waits = [wait for (trials, one), begun in zip(both, onsets, strict=True) for wait in _waits(trials, one, begun, least)]
    seconds = float(np.median(waits)) / SAMPLE_RATE if waits else float("nan")
    return Accepted(eer, float(reached[~targets].mean()), float(1.0 - reached[targets].mean()), seconds)


def _highest(followed: Followed) -> NDArray[np.float64]:
    return np.array([scores.max(initial=LOWEST_SCORE) for scores in followed.scores])


def _waits(trials: CorpusTrials, followed: Followed, onsets: NDArray[np.int64], least: float) -> Iterator[int]:
    """Yield the samples from the beginning of speech to the acceptance of each target trial that is accepted."""
    for trial in np.flatnonzero(trials.target):
        reached = np.flatnonzero(followed.scores[trial] >= least)
        if len(reached):
            yield int(followed.at[trial][reached[0]] - onsets[trials.tested[trial]])
