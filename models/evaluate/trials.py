"""Trials within each corpus of a manifest, and their scores.

Every labelled speaker with four recordings or more is enrolled with the first three, in the manifest's order. All recordings that
enroll nobody are then verified against every enrolled speaker of their corpus: target trials where the speaker is the same, non-target
trials where it is not. Speakers with fewer recordings thus take part as impostors only.
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


@dataclass(frozen=True)
class CorpusTrials:
    """The trials of one corpus: each enrolled speaker against each test recording.

    enrolled: indices of the recordings that enroll each speaker, (enrolled, 3). tests: indices of the test recordings, (tests,).
    enrolled_speaker, test_speaker: who they are, as numbers from 0 to `speakers` - 1.
    """

    corpus: str
    speakers: int
    enrolled: NDArray[np.intp]
    enrolled_speaker: NDArray[np.intp]
    tests: NDArray[np.intp]
    test_speaker: NDArray[np.intp]

    @property
    def target(self) -> NDArray[np.bool_]:
        """Whether a trial's two sides are one speaker, (enrolled, tests)."""
        same: NDArray[np.bool_] = self.enrolled_speaker[:, None] == self.test_speaker[None, :]
        return same


def build_trials(recordings: Sequence[Recording]) -> list[CorpusTrials]:
    """Return the trials of each corpus by name; indices are positions in `recordings`. Speakers with no label take no part."""
    labelled = [index for index, recording in enumerate(recordings) if recording.labelled]
    by_corpus = groupby(sorted(labelled, key=lambda index: recordings[index].corpus), lambda index: recordings[index].corpus)
    return [_corpus_trials(corpus, recordings, list(indices)) for corpus, indices in by_corpus]


def _corpus_trials(corpus: str, recordings: Sequence[Recording], indices: Sequence[int]) -> CorpusTrials:
    by_speaker: dict[str, list[int]] = {}
    for index in indices:
        by_speaker.setdefault(recordings[index].speaker, []).append(index)
    enrolled: dict[int, list[int]] = {}
    tests: list[tuple[int, int]] = []
    for speaker, own in enumerate(by_speaker.values()):
        first = ENROLLMENT_RECORDINGS if len(own) > ENROLLMENT_RECORDINGS else 0
        if first:
            enrolled[speaker] = own[:first]
        tests += [(index, speaker) for index in own[first:]]
    test_indices, test_speakers = np.array(tests, dtype=np.intp).reshape(-1, 2).T
    return CorpusTrials(
        corpus=corpus,
        speakers=len(by_speaker),
        enrolled=np.array(list(enrolled.values()), dtype=np.intp).reshape(-1, ENROLLMENT_RECORDINGS),
        enrolled_speaker=np.array(list(enrolled), dtype=np.intp),
        tests=test_indices,
        test_speaker=test_speakers,
    )


def score_trials(trials: CorpusTrials, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the cosine score of each trial, (enrolled, tests), from one embedding per recording, (recordings, size), of any length.

    A speaker's voiceprint is the mean of the unit-length embeddings of the enrollment. A row of NaN stands for a recording with no
    embedding: a voiceprint is made from the others of its speaker, and a side with none at all scores `LOWEST_SCORE`.
    """
    unit = _normalised(np.asarray(embeddings, dtype=np.float64))
    voiceprints = _normalised(np.nan_to_num(unit[trials.enrolled]).sum(axis=1))
    return np.nan_to_num(voiceprints @ unit[trials.tests].T, nan=LOWEST_SCORE)


def _normalised(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = np.full_like(vectors, np.nan)
    np.divide(vectors, lengths, out=unit, where=lengths > 0.0)
    return unit
