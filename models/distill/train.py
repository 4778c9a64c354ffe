"""The training loop: resumable at any checkpoint, and the same again for the same seed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from models.distill.augment import Augmenter
from models.distill.batches import Batch, Batches
from models.distill.compensation import Labelled, compensated, whole_embedding
from models.distill.config import DistillConfig, RecipeError
from models.distill.corpus import Corpus, load_corpus
from models.distill.inheriting import begin
from models.distill.journal import Journal
from models.distill.learners import new_learner
from models.distill.material import Material
from models.distill.muon import Muon
from models.distill.norms import settled
from models.distill.objective import Objective
from models.distill.workers import Workers
from models.evaluate.figures import enough_trials, evaluate
from models.levels import Network
from models.manifest import Recording, read_manifest
from models.student import Student, sizes_of

GRADIENT_NORM = 5.0
CHECKPOINT = "checkpoint.pt"
MATRIX_DIMENSIONS = (2, 3)
"""Of linear layers, and of convolutions over time, which are linear layers over their taps."""


class Trainer:
    """One run: `train()` goes on from the newest checkpoint in `config.output`, if there is one."""

    def __init__(self, config: DistillConfig, material: Material) -> None:
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.config = config
        self.material = material
        self.workers = Workers.join()
        self.student = _learner(config, material).to(self.workers.device)
        for layer in config.frozen:
            _layer(self.student, layer).requires_grad_(False)
        self.objective = Objective(config.loss, self.student, material, config.dtype).to(self.workers.device)
        self.optimizers = optimizers(self.student, self.objective, config)
        self.step = 0

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint."""
        return self.config.output / CHECKPOINT

    def train(self) -> Network:
        """Run to the last step, and return the network; checkpoints, logs and the error rates on dev are in `config.output`."""
        config = self.config
        config.output.mkdir(parents=True, exist_ok=True)
        self._resume()
        batches = Batches(config, self.material, self._augmenter(), self.workers.rank).stream(self.step, config.steps)
        if not self.workers.leads:
            for batch in batches:
                self._train_step(batch)
            return self.student
        return self._lead(batches, DevSet.load(config))

    def _lead(self, batches: Iterator[Batch], dev: DevSet) -> Network:
        """Train and tell how it goes."""
        config = self.config
        with Journal(config.output, self.step) as journal, tqdm(initial=self.step, total=config.steps, unit="step") as progress:
            for batch in batches:
                started = time.perf_counter()
                losses = self._train_step(batch)
                journal.write(self.step - 1, losses | {"seconds": time.perf_counter() - started})
                progress.update()
                progress.set_postfix(loss=f"{sum(losses.values()):.3f}", refresh=False)
                if self.step % config.checkpoint_every == 0:
                    self._save()
                if self.step % config.evaluate_every == 0:
                    figures = dev.figures(settled(self.student, self.material.audio, config.seed, config.frozen))
                    journal.write(self.step, figures)
                    progress.write(f"step {self.step}: dev EER {figures['dev_eer']:.2f} %, pooled {figures['dev_eer_pooled']:.2f} %")
            self.student = self._finished()
            self._save()
            journal.write(self.step, dev.figures(self.student))
        return self.student

    def _augmenter(self) -> Augmenter:
        return Augmenter(self.config.augment, self.material.noise, self.material.audio)

    def _train_step(self, batch: Batch) -> dict[str, float]:
        # Where the network makes tensors of its own.
        with self.workers.device:
            losses: dict[str, Tensor] = self.objective(self._in_training(), batch.to(self.workers.device))
        self.student.zero_grad()
        self.objective.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.workers.average([*self.student.parameters(), *self.objective.parameters()])
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), GRADIENT_NORM)
        for optimizer, peak in zip(self.optimizers, (self.config.matrix_rate, self.config.learning_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate(self.step, self.config)
            optimizer.step()
        self.step += 1
        return {name: loss.item() for name, loss in losses.items()}

    def _in_training(self) -> Network:
        """Return the network with the norms of its frozen layers as they are in use, those of the others by the batch."""
        self.student.train()
        for layer in self.config.frozen:
            self.student.get_submodule(layer).eval()
        return self.student

    def _finished(self) -> Network:
        """Return the network as it is used, with settled norms; students compensate what tells nothing of the speaker."""
        network = settled(self.student, self.material.audio, self.config.seed, self.config.frozen)
        if not isinstance(network, Student):
            return network
        material = self.material
        # With copies in other voices among them, fewer recordings were of one voice each, and error rates in noise were higher.
        labelled = Labelled(material.audio, material.classes.numpy(), (material.labelled & material.own_voice).numpy())
        return compensated(network, labelled, self._augmenter(), self.config.seed)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "student": self.student.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "config": self.config.model_dump_json(),
            "sizes": sizes_of(self.student) if isinstance(self.student, Student) else {},
            "data_sha256": self.material.data_sha256,
        }
        partial = self.checkpoint.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        if self.checkpoint.exists():
            state: dict[str, Any] = torch.load(self.checkpoint, map_location=self.workers.device, weights_only=True)
            if changed := self.config.changed_since(state["config"]):
                raise RecipeError(f"{self.checkpoint} was trained with other values of {', '.join(changed)}: give the run another output")
            self.student.load_state_dict(state["student"])
            _uncompensate(self.student)
            self.objective.load_state_dict(state["objective"])
            for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(stored)
            self.step = state["step"]


@dataclass(frozen=True)
class DevSet:
    """Recordings of speakers who are not trained on."""

    recordings: Sequence[Recording]
    audio: Corpus

    @classmethod
    def load(cls, config: DistillConfig) -> DevSet:
        """Decode the development audio. Raises `TooFewTrialsError` where there is too little of it to measure on."""
        recordings = read_manifest(config.data / "dev.tsv", config.data)
        enough_trials(recordings)
        return cls(recordings, load_corpus([recording.path for recording in recordings], config.cache / "audio"))

    def figures(self, network: Network) -> dict[str, float]:
        """Return a network's error rates on whole recordings, in percent, and its least cost at a prior of 0.01."""
        network.eval()
        with torch.inference_mode():
            embeddings = [whole_embedding(network, self.audio, index) for index in range(len(self.recordings))]
        figures = evaluate(self.recordings, torch.cat(embeddings).numpy()).figures
        return {"dev_eer": figures.eer, "dev_eer_pooled": figures.eer_pooled, "dev_min_dcf": figures.min_dcf}


def _learner(config: DistillConfig, material: Material) -> Network:
    network = new_learner(config.student)
    if config.start:
        _load_start(network, config.start)
        _uncompensate(network)
    elif isinstance(network, Student):
        network.centre.prior.copy_(material.mean_frame)
    if config.inherit and not (config.output / CHECKPOINT).exists():  # A run that goes on has weights of its own.
        begin(network, config.teacher, material.audio, material.embeddings, config.seed)
    return network


def _load_start(network: Network, start: Path) -> None:
    try:
        network.load_state_dict(torch.load(start, map_location="cpu", weights_only=True)["student"])
    except (OSError, UnpicklingError, LookupError, RuntimeError) as error:
        raise RecipeError(f"start: {start} holds no weights of this network: {error}") from None


def _layer(network: Network, name: str) -> nn.Module:
    try:
        return network.get_submodule(name)
    except AttributeError:
        layers = ", ".join(layer for layer, _ in network.named_children())
        raise RecipeError(f"frozen: there is no layer {name!r}; there are {layers}, and what is in them") from None


def _uncompensate(network: Network) -> None:
    """Let embeddings be as the teacher's again, to be trained on."""
    if isinstance(network, Student):
        network.compensation.reset()


def optimizers(network: Network, objective: Objective, config: DistillConfig) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Return Muon for the network's matrices, and AdamW for everything else.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024): from the same start it is at the same loss in about
    a tenth fewer steps than AdamW alone.
    """
    by_muon = {name: parameter.ndim in MATRIX_DIMENSIONS for name, parameter in network.named_parameters()}
    matrices = [parameter for name, parameter in network.named_parameters() if by_muon[name]]
    others = [parameter for name, parameter in network.named_parameters() if not by_muon[name]]
    muon = Muon(matrices, lr=config.matrix_rate, weight_decay=config.weight_decay)
    return muon, torch.optim.AdamW([*others, *objective.parameters()], lr=config.learning_rate, weight_decay=config.weight_decay)


def rate(step: int, config: DistillConfig) -> float:
    """Trapezoid, as a share of the peak: linear warm-up, constant, linear fall to zero."""
    falling = (config.steps - step) / (config.decay * config.steps)
    return min(1.0, (step + 1) / config.warmup, falling)
