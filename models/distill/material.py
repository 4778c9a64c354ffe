"""What a run learns from: audio, the teacher's levels, and the speakers as the teacher sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.distill.config import DistillConfig
from models.distill.copies import VoiceCopies
from models.distill.corpus import Corpus, load_corpus, speaker_classes
from models.distill.fbank import batch_log_mel
from models.distill.losses import Standard
from models.distill.targets import TargetCache, digest
from models.features import FRAME_SAMPLES
from models.manifest import Recording, read_manifest, read_paths

PRIOR_RECORDINGS = 2000
"""Recordings whose mean frame is the prior of the student's running mean."""
FRAME_RECORDINGS = 500
"""Recordings whose frame level tells its mean and deviation."""


@dataclass(frozen=True)
class Material:
    """Recordings and what is known of each: audio, pooled level, unit-length embedding, class (speaker), whether the speaker is known.

    own_voice: whether it is as it was recorded. prototypes: the unit-length mean of each class's embeddings, (classes, size). data_sha256:
    of the contents of all recordings, in order.
    """

    recordings: Sequence[Recording]
    audio: Corpus
    noise: Corpus
    cache: TargetCache
    pooled: Tensor
    embeddings: Tensor
    classes: Tensor
    labelled: Tensor
    own_voice: Tensor
    prototypes: Tensor
    frame_standard: Standard
    pooled_standard: Standard
    mean_frame: Tensor
    data_sha256: str

    def frame_means(self, indices: Tensor) -> Tensor:
        """Return the mean over time of the standardised frame level of some recordings, (count, channels), from the cache."""
        means = [self.cache.load_frames(self.recordings[index].path).mean(axis=0, dtype=np.float32) for index in indices.tolist()]
        return self.frame_standard(torch.from_numpy(np.stack(means)))


def load_material(config: DistillConfig) -> Material:
    """Decode the training audio and load its targets, computing those that are missing; held-out speakers are left out."""
    own = [recording for recording in read_manifest(config.data / "train.tsv", config.data) if not recording.held_out]
    recordings = own + VoiceCopies(config.cache / "speeds").of(own, config.speeds, config.voices, config.threads)
    paths = [recording.path for recording in recordings]
    cache = TargetCache(config.cache / "targets", config.teacher)
    cache.fill(paths, config.threads)
    pooled, embeddings = (torch.from_numpy(np.stack(level)) for level in zip(*map(cache.load_utterance, paths), strict=True))
    embeddings = F.normalize(embeddings)
    classes = torch.from_numpy(speaker_classes(recordings))
    sums = torch.zeros(int(classes.max()) + 1, embeddings.shape[1]).index_add_(0, classes, embeddings)
    some = np.random.default_rng(config.seed).choice(len(paths), min(len(paths), FRAME_RECORDINGS), replace=False)
    frames = torch.cat([torch.from_numpy(cache.load_frames(paths[i])).float() for i in some])
    audio = load_corpus(paths, config.cache / "audio")
    return Material(
        recordings=recordings,
        audio=audio,
        noise=load_corpus(read_paths(config.data / "noise.tsv", config.data), config.cache / "audio"),
        cache=cache,
        pooled=pooled,
        embeddings=embeddings,
        classes=classes,
        labelled=torch.tensor([recording.labelled for recording in recordings]),
        own_voice=torch.arange(len(recordings)) < len(own),
        prototypes=F.normalize(sums),
        frame_standard=Standard.of(frames),
        pooled_standard=Standard.of(pooled),
        mean_frame=mean_frame(audio, config.seed),
        data_sha256=hashlib.sha256("".join(map(digest, paths)).encode()).hexdigest(),
    )


def mean_frame(audio: Corpus, seed: int) -> Tensor:
    """Mean log-mel frame, (80,), over a sample of recordings."""
    random = np.random.default_rng(seed)
    means = []
    for index in random.choice(len(audio.lengths), min(len(audio.lengths), PRIOR_RECORDINGS), replace=False):
        samples = torch.from_numpy(audio.crop(int(index), 0, int(audio.lengths[index])))
        if len(samples) >= FRAME_SAMPLES:
            means.append(batch_log_mel(samples[None]).mean(dim=1))
    return torch.cat(means).mean(dim=0)
