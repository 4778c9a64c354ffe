"""Batch normalisation statistics of a trained student, measured anew on what it will hear.

While training, they are moving averages over short, augmented crops and over weights that change: on clean whole recordings they
are off. Wu and Johnson, "Rethinking 'Batch' in BatchNorm" (arXiv 2105.07576), sections 3 and 4.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from models.distill.batches import STRIDE_SAMPLES
from models.distill.corpus import Corpus
from models.distill.fbank import batch_log_mel
from models.features import FRAME_SAMPLES, HOP_SAMPLES, SAMPLE_RATE
from models.student import Student

BATCHES = 60
BATCH = 32
SECONDS = (3.0, 6.0)


def settle_norms(student: Student, audio: Corpus, seed: int) -> None:
    """Replace the statistics by their means over clean crops of `SECONDS`; shorter ones if no recording is that long."""
    norms = [module for module in student.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
    momenta = [norm.momentum for norm in norms]
    random = np.random.default_rng(seed)
    student.train()
    with torch.no_grad():
        for number in range(BATCHES):
            for norm in norms:
                norm.momentum = 1.0 / (number + 1)  # A plain mean over the batches so far.
            frames = batch_log_mel(torch.from_numpy(_crops(audio, random)))
            student.embed(student.encode(frames, student.initial_state(len(frames))).state)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _crops(audio: Corpus, random: np.random.Generator) -> np.ndarray:
    seconds = min(random.uniform(*SECONDS), int(audio.lengths.max()) / SAMPLE_RATE)
    samples = int(seconds * SAMPLE_RATE) // STRIDE_SAMPLES * STRIDE_SAMPLES - STRIDE_SAMPLES + FRAME_SAMPLES - HOP_SAMPLES
    long_enough = np.flatnonzero(audio.lengths >= samples)
    return np.stack([audio.crop(int(index), 0, samples) for index in random.choice(long_enough, BATCH)])
