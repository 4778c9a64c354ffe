"""Trials and their scores: of every corpus of a manifest, or as a list asks for them.

From a manifest: every labelled speaker with four recordings or more is enrolled with the first three, in the manifest's order. All
recordings that enroll nobody are then verified against every enrolled speaker of their corpus: target trials where the speaker is the
same, non-target trials where it is not. Speakers with fewer recordings thus take part as impostors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.manifest import Recording

ENROLLMENT_RECORDINGS: Final = 3
LOWEST_SCORE: Final = -1.0
"""Score of a trial with no embedding on one of its sides: a recording that gives none must not make a figure better."""
_AT_ONCE: Final = 100_000
"""Trials that are scored at a time, so that a million of them need no gigabytes."""


@dataclass(frozen=True)
class CorpusTrials:
    """The trials of one corpus; positions are those of recordings in the list that the trials were made from.

    enrollments: positions of the recordings of each enrollment. tests: positions of the test recordings, (tests,).
    enrolled, tested: the enrollment and the test of each trial, indices of the two above, (trials,).
    one, other: who is enrolled and who speaks in each trial, as numbers from 0 to `speakers` - 1, (trials,).
    target: whether a trial's two sides are one speaker, (trials,).
    """

    corpus: str
    speakers: int
    enrollments: tuple[tuple[int, ...], ...]
    tests: NDArray[np.intp]
    enrolled: NDArray[np.intp]
    tested: NDArray[np.intp]
    one: NDArray[np.intp]
    other: NDArray[np.intp]
    target: NDArray[np.bool_]

    @property
    def test_of(self) -> NDArray[np.intp]:
        """Position of the test recording of each trial, (trials,)."""
        return self.tests[self.tested]

    @property
    def enrolled_first(self) -> NDArray[np.intp]:
        """Position of the first recording of each trial's enrollment, (trials,)."""
        return np.array([positions[0] for positions in self.enrollments], dtype=np.intp)[self.enrolled]


def build_trials(recordings: Sequence[Recording]) -> list[CorpusTrials]:
    """Return the trials of each corpus by name; positions are those in `recordings`. Speakers with no label take no part.

    The trials of a corpus are a grid: the first enrollment against each test, then the second against each...
    """
    labelled = [index for index, recording in enumerate(recordings) if recording.labelled]
    by_corpus = groupby(sorted(labelled, key=lambda index: recordings[index].corpus), lambda index: recordings[index].corpus)
    return [_corpus_trials(corpus, recordings, list(indices)) for corpus, indices in by_corpus]


def _corpus_trials(corpus: str, recordings: Sequence[Recording], indices: Sequence[int]) -> CorpusTrials:
    by_speaker: dict[str, list[int]] = {}
    for index in indices:
        by_speaker.setdefault(recordings[index].speaker, []).append(index)
    enrollments: dict[int, tuple[int, ...]] = {}
    tests: list[tuple[int, int]] = []
    for speaker, own in enumerate(by_speaker.values()):
        first = ENROLLMENT_RECORDINGS if len(own) > ENROLLMENT_RECORDINGS else 0
        if first:
            enrollments[speaker] = tuple(own[:first])
        tests += [(index, speaker) for index in own[first:]]
    positions, speaks = np.array(tests, dtype=np.intp).reshape(-1, 2).T
    enrolled, tested = (side.ravel() for side in np.indices((len(enrollments), len(tests)), dtype=np.intp))
    one, other = np.array(list(enrollments), dtype=np.intp)[enrolled], speaks[tested]
    return CorpusTrials(corpus, len(by_speaker), tuple(enrollments.values()), positions, enrolled, tested, one, other, one == other)


def score_trials(trials: CorpusTrials, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the cosine score of each trial, (trials,), from one embedding per recording, (recordings, size), of any length.

    A speaker's voiceprint is the mean of the unit-length embeddings of the enrollment. A row of NaN stands for a recording with no
    embedding: a voiceprint is made from the others of its speaker, and a side with none at all scores `LOWEST_SCORE`.
    """
    unit = _normalised(np.asarray(embeddings, dtype=np.float64))
    sums = [np.nan_to_num(unit[list(positions)]).sum(axis=0) for positions in trials.enrollments]
    voiceprints, tests = _normalised(np.reshape(sums, (-1, unit.shape[1]))), unit[trials.tests]
    scores = np.empty(len(trials.target))
    for first in range(0, len(scores), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        scores[part] = np.einsum("ts,ts->t", voiceprints[trials.enrolled[part]], tests[trials.tested[part]])
    return np.nan_to_num(scores, nan=LOWEST_SCORE)


def _normalised(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = np.full_like(vectors, np.nan)
    np.divide(vectors, lengths, out=unit, where=lengths > 0.0)
    return unit
