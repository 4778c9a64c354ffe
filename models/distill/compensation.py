"""What tells nothing of the speaker, weighed down: compensation of the differences between recordings of one speaker.

Within-class covariance normalisation: Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for SVM-based speaker
recognition", Interspeech 2006. Recordings differ in what was said and in how it was heard, so they are augmented: clean ones alone made
the error rate in noise a quarter higher. Compensation is part of the student, and `models.export` folds it into the last layer.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.distill.corpus import Corpus
from models.distill.fbank import batch_log_mel
from models.features import SAMPLE_RATE
from models.levels import Network
from models.student import TIME_STRIDE, Student

RECORDINGS: Final = 5000
"""At most so many, of speakers who have `LEAST` or more."""
LEAST: Final = 2
SECONDS: Final = (1.5, 6.0)
"""Of each so much is heard."""
SHRINKAGE: Final = 0.3
"""Weight of a sphere in the covariance within speakers: 192 dimensions are many for some hundred speakers."""


Hear = Callable[[Tensor, np.random.Generator], Tensor]
"""What becomes of waveforms, (batch, samples), on their way, as `models.distill.augment.Augmenter` tells."""


class Labelled(NamedTuple):
    """Recordings with the number of each one's class, (recordings,), and whether that is a known speaker, (recordings,)."""

    audio: Corpus
    classes: NDArray[np.int64]
    known: NDArray[np.bool_]


def compensated(student: Student, labelled: Labelled, hear: Hear, seed: int) -> Student:
    """Return a copy of a trained student that weighs each direction by how little recordings of one speaker differ in it.

    hear: how the recordings are heard, one by one. Without speakers who have `LEAST` recordings it is only copied.
    """
    student = copy.deepcopy(student).eval()
    student.compensation.reset()
    random = np.random.default_rng(seed)
    chosen = _chosen(labelled, random)
    if not len(chosen):
        return student
    with torch.inference_mode():
        crops = (_crop(labelled.audio, int(index), random) for index in chosen)
        embeddings = torch.cat([_embedding(student, hear(crop, random)) for crop in crops]).double()
    within = _within(embeddings, labelled.classes[chosen])
    sphere = within.trace() / len(within) * torch.eye(len(within), dtype=torch.float64)
    values, vectors = torch.linalg.eigh((1.0 - SHRINKAGE) * within + SHRINKAGE * sphere)
    student.compensation.mean.copy_(embeddings.mean(dim=0))
    student.compensation.matrix.copy_(vectors @ torch.diag(values.rsqrt()) @ vectors.T)
    return student


def whole_embedding(network: Network, audio: Corpus, index: int) -> Tensor:
    """Return the embedding, (1, size), of a whole recording."""
    return _embedding(network, torch.from_numpy(audio.crop(index, 0, int(audio.lengths[index])))[None])


def _embedding(network: Network, waveform: Tensor) -> Tensor:
    frames = batch_log_mel(waveform)
    return network.levels(frames[:, : frames.shape[1] // TIME_STRIDE * TIME_STRIDE]).embedding


def _crop(audio: Corpus, index: int, random: np.random.Generator) -> Tensor:
    samples = min(int(audio.lengths[index]), int(random.uniform(*SECONDS) * SAMPLE_RATE))
    return torch.from_numpy(audio.crop(index, int(random.integers(audio.lengths[index] - samples + 1)), samples))[None]


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
