"""What a step trains on: augmented features of random crops, and the frame level to match."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.distill.augment import Augmenter, Random, mask_bands, mask_moments
from models.distill.config import DistillConfig, RecipeError
from models.distill.corpus import Corpus
from models.distill.fbank import batch_log_mel
from models.distill.material import Material
from models.distill.targets import GRID_FRAMES
from models.features import FRAME_SAMPLES, HOP_SAMPLES, SAMPLE_RATE
from models.student import TIME_STRIDE

STRIDE_SAMPLES = TIME_STRIDE * HOP_SAMPLES
GRID_SAMPLES = GRID_FRAMES * HOP_SAMPLES
GRID_STEP = GRID_FRAMES // TIME_STRIDE
"""Encoder frames from one that is compared to the next."""


class Batch(NamedTuple):
    """Log-mel frames of crops, (batch, time, 80); which recordings they are of, (batch,); the frame level to match.

    times: frames of 20 ms that are compared. frame_targets: (batch, times, channels), as the teacher gives them.
    """

    frames: Tensor
    indices: Tensor
    times: range
    frame_targets: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return it with what the network computes with on `device`; the indices stay where the material is."""
        return self._replace(frames=self.frames.to(device), frame_targets=self.frame_targets.to(device))


class Batches:
    """The batches of a run. Each depends on the seed, its step and the worker alone, so that a resumed run sees the same ones."""

    def __init__(self, config: DistillConfig, material: Material, augment: Augmenter, worker: int = 0) -> None:
        self._config = config
        self._worker = worker
        self._material = material
        self._augment = augment
        self._chances = draw_chances(material.classes.numpy(), config.evenness)
        longest = config.crop_seconds[1]
        if (found := int(material.audio.lengths.max())) < crop_samples(longest):
            raise RecipeError(f"crop_seconds goes up to {longest:g}, but the longest recording has {found / SAMPLE_RATE:.1f} s")

    def stream(self, first: int, last: int) -> Iterator[Batch]:
        """Yield the batches of steps `first` to `last` - 1, each made while the one before is trained on."""
        with ThreadPoolExecutor(1) as maker:
            waiting = [maker.submit(self.make, step) for step in range(first, min(first + 1, last))]
            for step in range(first, last):
                batch = waiting.pop().result()
                if step + 1 < last:
                    waiting.append(maker.submit(self.make, step + 1))
                yield batch

    def make(self, step: int) -> Batch:
        """Return the batch of a step."""
        random = np.random.default_rng([self._config.seed, step, self._worker])
        waveforms, indices, offsets = draw_crops(self._material.audio, self._config, random, self._chances)
        frames = batch_log_mel(self._augment(waveforms, random))
        frames = mask_bands(frames, self._material.mean_frame, self._config.augment.mask, random)
        frames = mask_moments(frames, self._material.mean_frame, self._config.augment.mask_time, random)
        times = range(self._config.loss.frame_delay, frames.shape[1] // TIME_STRIDE, GRID_STEP)
        targets = [self._frame_targets(int(index), int(offset), len(times)) for index, offset in zip(indices, offsets, strict=True)]
        return Batch(frames, torch.from_numpy(indices), times, torch.stack(targets))

    def _frame_targets(self, index: int, offset: int, count: int) -> Tensor:
        frames = self._material.cache.load_frames(self._material.recordings[index].path)
        return torch.from_numpy(frames[np.minimum(np.arange(offset, offset + count), len(frames) - 1)]).float()


def draw_chances(classes: NDArray[np.int64], evenness: float) -> NDArray[np.float64]:
    """Return how likely each recording is drawn, (recordings,), not normalised; see `DistillConfig.evenness`."""
    counts = np.bincount(classes)[classes]
    likely: NDArray[np.float64] = counts.astype(np.float64) ** -evenness
    return likely


def crop_samples(seconds: float) -> int:
    """Return how many samples make the even number of frames that comes closest to `seconds`, without being longer by a window."""
    return int(seconds * SAMPLE_RATE) // STRIDE_SAMPLES * STRIDE_SAMPLES + FRAME_SAMPLES - HOP_SAMPLES


def draw_crops(audio: Corpus, config: DistillConfig, random: Random, chances: NDArray[np.float64]) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Crop random recordings that are long enough for the batch's random length: as many as make up `batch_seconds`.

    chances: how likely each recording is drawn, (recordings,), not normalised. Returns waveforms (batch, samples) of an even number of
    frames, the recordings' indices, and where the crops begin on the grid of the frame targets.
    """
    # Most recordings are short: lengths are drawn evenly on a logarithmic scale, so that short ones are heard often enough.
    seconds = float(np.exp(random.uniform(*np.log(config.crop_seconds))))
    samples = crop_samples(seconds)
    long_enough = np.flatnonzero(audio.lengths >= samples)
    likely = chances[long_enough]
    batch = int(config.batch_seconds / seconds)
    indices = random.choice(long_enough, batch, replace=len(long_enough) < batch, p=likely / likely.sum())
    offsets = random.integers((audio.lengths[indices] - samples) // GRID_SAMPLES + 1)
    crops = [audio.crop(int(i), int(offset) * GRID_SAMPLES, samples) for i, offset in zip(indices, offsets, strict=True)]
    return torch.from_numpy(np.stack(crops)), indices, offsets
