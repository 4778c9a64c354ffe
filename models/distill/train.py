"""The training loop: resumable at any checkpoint, and the same again for the same seed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from models.distill.augment import Augmenter, Random, mask_bands
from models.distill.config import DistillConfig
from models.distill.corpus import Corpus, load_corpus, speaker_classes
from models.distill.fbank import batch_log_mel
from models.distill.losses import Heads, Standard, embedding_loss, level_loss, prototype_loss
from models.distill.targets import TargetCache
from models.evaluate.figures import evaluate
from models.features import FRAME_SAMPLES, HOP_SAMPLES, SAMPLE_RATE
from models.manifest import Recording, read_manifest
from models.student import CONFIGS, TIME_STRIDE, Student

STRIDE_SAMPLES = TIME_STRIDE * HOP_SAMPLES
PRIOR_RECORDINGS = 2000
FRAME_SAMPLE = 500
"""Recordings whose frame level tells its mean and deviation."""


class Batch(NamedTuple):
    """Crops of equal length, and which recordings and encoder frames they are."""

    waveforms: Tensor
    indices: Tensor
    offsets: list[int]


@dataclass(frozen=True)
class Material:
    """What a run learns from: audio, the teacher's levels, and the speakers as the teacher sees them."""

    recordings: Sequence[Recording]
    audio: Corpus
    cache: TargetCache
    pooled: Tensor
    embeddings: Tensor
    classes: Tensor
    prototypes: Tensor
    frame_standard: Standard
    pooled_standard: Standard


def load_material(config: DistillConfig) -> Material:
    """Decode the training audio and load its targets, computing those that are missing."""
    recordings = read_manifest(config.data / "train.tsv", config.data)
    paths = [recording.path for recording in recordings]
    cache = TargetCache(config.cache / "targets", config.teacher)
    cache.fill(paths, config.threads)
    pooled, embeddings = (torch.from_numpy(np.stack(level)) for level in zip(*map(cache.load_utterance, paths), strict=True))
    embeddings = F.normalize(embeddings)
    classes = torch.from_numpy(speaker_classes(recordings))
    sums = torch.zeros(int(classes.max()) + 1, embeddings.shape[1]).index_add_(0, classes, embeddings)
    some = np.random.default_rng(config.seed).choice(len(paths), min(len(paths), FRAME_SAMPLE), replace=False)
    frames = torch.cat([torch.from_numpy(cache.load_frames(paths[i])).float() for i in some])
    return Material(
        recordings=recordings,
        audio=load_corpus(paths, config.cache / "audio"),
        cache=cache,
        pooled=pooled,
        embeddings=embeddings,
        classes=classes,
        prototypes=F.normalize(sums),
        frame_standard=Standard.of(frames),
        pooled_standard=Standard.of(pooled),
    )


class Trainer:
    """One run: `train()` goes on from the newest checkpoint in `config.output`, if there is one."""

    def __init__(self, config: DistillConfig, material: Material) -> None:
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.config = config
        self.material = material
        noise = [recording.path for recording in _noises(config)]
        self.augment = Augmenter(config.augment, load_corpus(noise, config.cache / "audio"), material.audio)
        self.student = Student(CONFIGS[config.student])
        self.student.centre.prior.copy_(mean_frame(material.audio, config.seed))
        sizes = self.student.config
        self.heads = Heads((2 * sizes.channels, material.frame_standard.mean.numel()), (4 * sizes.channels, material.pooled.shape[1]))
        parameters = [*self.student.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.step = 0

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint."""
        return self.config.output / "checkpoint.pt"

    def train(self) -> Student:
        """Run to the last step; write a checkpoint now and then, and a line of losses per step to `log.jsonl`."""
        self.config.output.mkdir(parents=True, exist_ok=True)
        self._resume()
        dev = DevSet.load(self.config)
        with (self.config.output / "log.jsonl").open("a", buffering=1) as log:
            for step in tqdm(range(self.step, self.config.steps), initial=self.step, total=self.config.steps, unit="step"):
                started = time.perf_counter()
                losses = self._train_step(step)
                log.write(json.dumps({"step": step, **losses, "seconds": round(time.perf_counter() - started, 3)}) + "\n")
                self.step = step + 1
                if self.step % self.config.checkpoint_every == 0:
                    self._save()
                if self.step % self.config.evaluate_every == 0 or self.step == self.config.steps:
                    log.write(json.dumps({"step": step, **dev.figures(self.student)}) + "\n")
        self._save()
        return self.student

    def _train_step(self, step: int) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.config)
        losses = self._losses(step)
        total = torch.stack(list(losses.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        return {name: round(loss.item(), 4) for name, loss in losses.items()}

    def _losses(self, step: int) -> dict[str, Tensor]:
        """Weighted loss of each level. The random numbers of a step depend on the seed and the step alone."""
        random = np.random.default_rng([self.config.seed, step])
        weights, material = self.config.loss, self.material
        batch = draw_batch(material.audio, self.config, random)
        frames = batch_log_mel(self.augment(batch.waveforms, random))
        frames = mask_bands(frames, self.student.centre.prior, self.config.augment.mask, random)
        frames = frames[:, : frames.shape[1] // TIME_STRIDE * TIME_STRIDE]
        self.student.train()
        encoded = self.student.encode(frames, self.student.initial_state(len(frames)))
        embedding = self.student.embed(encoded.state)
        losses = {"embedding": weights.embedding * embedding_loss(embedding, material.embeddings[batch.indices])}
        if weights.prototypes:
            classes = material.classes[batch.indices]
            losses["prototypes"] = weights.prototypes * prototype_loss(embedding, material.prototypes, classes, weights)
        if weights.pooled:
            target = material.pooled_standard(material.pooled[batch.indices])
            losses["pooled"] = weights.pooled * level_loss(self.heads.pooled(self.student.pooled(encoded.state)), target)
        if weights.frame:
            losses["frame"] = weights.frame * self._frame_loss(encoded.frame, batch)
        return losses

    def _frame_loss(self, frames: Tensor, batch: Batch) -> Tensor:
        """Compare every fourth frame: neighbours tell nearly the same."""
        times = range(self.config.loss.frame_delay, frames.shape[1], 4)
        predicted = self.heads.frame(frames[:, times])
        targets = [self._frame_targets(int(i), offset, times) for i, offset in zip(batch.indices, batch.offsets, strict=True)]
        return level_loss(predicted, self.material.frame_standard(torch.stack(targets)))

    def _frame_targets(self, index: int, offset: int, times: range) -> Tensor:
        frames = self.material.cache.load_frames(self.material.recordings[index].path)
        wanted = np.array(times) + offset - self.config.loss.frame_delay
        return torch.from_numpy(frames[np.minimum(wanted, len(frames) - 1)]).float()

    def _save(self) -> None:
        state = {
            "step": self.step,
            "student": self.student.state_dict(),
            "heads": self.heads.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "config": self.config.model_dump_json(),
            "sizes": self.student.config.as_dict(),
        }
        partial = self.checkpoint.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        if self.checkpoint.exists():
            state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True)
            self.student.load_state_dict(state["student"])
            self.heads.load_state_dict(state["heads"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]


@dataclass(frozen=True)
class DevSet:
    """Recordings of speakers who are not trained on."""

    recordings: Sequence[Recording]
    audio: Corpus

    @classmethod
    def load(cls, config: DistillConfig) -> DevSet:
        """Decode the development audio."""
        recordings = read_manifest(config.data / "dev.tsv", config.data)
        return cls(recordings, load_corpus([recording.path for recording in recordings], config.cache / "audio"))

    def figures(self, student: Student) -> dict[str, float]:
        """Return the student's error rates on whole recordings, in percent."""
        student.eval()
        with torch.inference_mode():
            embeddings = [self._embed(student, index) for index in range(len(self.recordings))]
        figures = evaluate(self.recordings, torch.cat(embeddings).numpy()).figures
        return {"dev_eer": round(figures.eer, 3), "dev_eer_pooled": round(figures.eer_pooled, 3)}

    def _embed(self, student: Student, index: int) -> Tensor:
        samples = torch.from_numpy(self.audio.crop(index, 0, int(self.audio.lengths[index])))
        frames = batch_log_mel(samples[None])
        return student.embed(student.encode(frames[:, : frames.shape[1] // TIME_STRIDE * TIME_STRIDE], student.initial_state()).state)


def learning_rate(step: int, config: DistillConfig) -> float:
    """Trapezoid: linear warm-up, constant, linear fall to zero."""
    falling = (config.steps - step) / (config.decay * config.steps)
    return config.learning_rate * min(1.0, (step + 1) / config.warmup, falling)


def draw_batch(audio: Corpus, config: DistillConfig, random: Random) -> Batch:
    """Crop random recordings that are long enough for the batch's random length."""
    seconds = random.uniform(*config.crop_seconds)
    samples = int(seconds * SAMPLE_RATE) // STRIDE_SAMPLES * STRIDE_SAMPLES + FRAME_SAMPLES - HOP_SAMPLES
    long_enough = np.flatnonzero(audio.lengths >= samples)
    indices = random.choice(long_enough, config.batch, replace=len(long_enough) < config.batch)
    offsets = [int(random.integers((audio.lengths[i] - samples) // STRIDE_SAMPLES + 1)) for i in indices]
    crops = [audio.crop(int(i), offset * STRIDE_SAMPLES, samples) for i, offset in zip(indices, offsets, strict=True)]
    return Batch(torch.from_numpy(np.stack(crops)), torch.from_numpy(indices), offsets)


def mean_frame(audio: Corpus, seed: int) -> Tensor:
    """Mean log-mel frame, (80,), over a sample of recordings."""
    random = np.random.default_rng(seed)
    means = []
    for index in random.choice(len(audio.lengths), min(len(audio.lengths), PRIOR_RECORDINGS), replace=False):
        samples = torch.from_numpy(audio.crop(int(index), 0, int(audio.lengths[index])))
        if len(samples) >= FRAME_SAMPLES:
            means.append(batch_log_mel(samples[None]).mean(dim=1))
    return torch.cat(means).mean(dim=0)


def _noises(config: DistillConfig) -> list[Recording]:
    rows = (config.data / "noise.tsv").read_text().splitlines()[1:]
    return [Recording(config.data / row.split("\t")[0], "noise", "noise") for row in rows]
