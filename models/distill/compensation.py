"""What tells nothing of the speaker, weighed down: compensation of the differences between recordings of one speaker.

Within-class covariance normalisation: Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for SVM-based speaker
recognition", Interspeech 2006. It is part of the student, and `models.export` folds it into the last layer.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.distill.corpus import Corpus
from models.distill.fbank import batch_log_mel
from models.levels import Network
from models.student import TIME_STRIDE, Student

RECORDINGS: Final = 2500
"""At most so many, of speakers who have `LEAST` or more."""
LEAST: Final = 3
SHRINKAGE: Final = 0.2
"""Weight of a sphere in the covariance within speakers: 192 dimensions are many for some hundred speakers."""


class Labelled(NamedTuple):
    """Recordings with the number of each one's class, (recordings,), and whether that is a known speaker, (recordings,)."""

    audio: Corpus
    classes: NDArray[np.int64]
    known: NDArray[np.bool_]


def compensated(student: Student, labelled: Labelled, seed: int) -> Student:
    """Return a copy of a trained student that weighs each direction by how little recordings of one speaker differ in it.

    Without speakers who have `LEAST` recordings it is only copied.
    """
    student = copy.deepcopy(student).eval()
    student.compensation.reset()
    chosen = _chosen(labelled, np.random.default_rng(seed))
    if not len(chosen):
        return student
    with torch.inference_mode():
        embeddings = torch.cat([whole_embedding(student, labelled.audio, int(index)) for index in chosen]).double()
    within = _within(embeddings, labelled.classes[chosen])
    sphere = within.trace() / len(within) * torch.eye(len(within), dtype=torch.float64)
    values, vectors = torch.linalg.eigh((1.0 - SHRINKAGE) * within + SHRINKAGE * sphere)
    student.compensation.mean.copy_(embeddings.mean(dim=0))
    student.compensation.matrix.copy_(vectors @ torch.diag(values.rsqrt()) @ vectors.T)
    return student


def whole_embedding(network: Network, audio: Corpus, index: int) -> Tensor:
    """Return the embedding, (1, size), of a whole recording."""
    frames = batch_log_mel(torch.from_numpy(audio.crop(index, 0, int(audio.lengths[index])))[None])
    return network.levels(frames[:, : frames.shape[1] // TIME_STRIDE * TIME_STRIDE]).embedding


def _chosen(labelled: Labelled, random: np.random.Generator) -> NDArray[np.int64]:
    counts = Counter(labelled.classes[labelled.known].tolist())
    fit = [index for index in np.flatnonzero(labelled.known) if counts[int(labelled.classes[index])] >= LEAST]
    return np.sort(random.permutation(np.array(fit, dtype=np.int64))[:RECORDINGS])


def _within(embeddings: Tensor, classes: NDArray[np.int64]) -> Tensor:
    """Return the covariance, (size, size), of embeddings about the means of their classes."""
    numbers = torch.from_numpy(np.unique(classes, return_inverse=True)[1])
    counts = torch.bincount(numbers)
    sums = torch.zeros(len(counts), embeddings.shape[1], dtype=embeddings.dtype).index_add_(0, numbers, embeddings)
    differences = embeddings - (sums / counts[:, None])[numbers]
    return differences.T @ differences / max(1, len(embeddings) - len(counts))
