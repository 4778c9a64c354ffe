"""Batch normalisation statistics of a trained network, measured anew on what it will hear.

While training, they are moving averages over short, augmented crops and over weights that change: on clean whole recordings they
are off. Wu and Johnson, "Rethinking 'Batch' in BatchNorm" (arXiv 2105.07576), sections 3 and 4.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from models.distill.batches import STRIDE_SAMPLES
from models.distill.corpus import Corpus
from models.distill.fbank import batch_log_mel
from models.features import FRAME_SAMPLES, HOP_SAMPLES, SAMPLE_RATE
from models.levels import Network

Learner = TypeVar("Learner", bound=Network)

BATCHES = 60
"""At most; of a small corpus, as many as hear each recording about once."""
BATCH = 32
SECONDS = (3.0, 6.0)


def settled(network: Learner, audio: Corpus, seed: int, frozen: Sequence[str] = ()) -> Learner:
    """Return a copy of `network` whose statistics are means over clean crops of `SECONDS`; shorter ones if no recording is that long.

    frozen: layers whose statistics stay, because the others were trained with them.
    """
    network = copy.deepcopy(network).cpu().train()
    for layer in frozen:
        network.get_submodule(layer).eval()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.training]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # A plain mean over all batches.
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for _ in range(min(BATCHES, 1 + len(audio.lengths) // BATCH)):
            network.levels(batch_log_mel(clean_crops(audio, random)[0]))
    return network.eval()


def clean_crops(audio: Corpus, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return crops of equal length of random recordings, (BATCH, samples), and which recordings they are of, (BATCH,)."""
    seconds = min(random.uniform(*SECONDS), int(audio.lengths.max()) / SAMPLE_RATE)
    samples = int(seconds * SAMPLE_RATE) // STRIDE_SAMPLES * STRIDE_SAMPLES - STRIDE_SAMPLES + FRAME_SAMPLES - HOP_SAMPLES
    chosen = random.choice(np.flatnonzero(audio.lengths >= samples), BATCH)
    return torch.from_numpy(np.stack([audio.crop(int(index), 0, samples) for index in chosen])), torch.from_numpy(chosen)
