"""What a step minimises: the terms of a recipe, with the heads and the classifier that they need."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.distill.batches import Batch
from models.distill.losses import LossConfig, cosine_loss, level_loss, prototype_loss, relational_loss
from models.distill.material import Material
from models.features import MEL_BINS
from models.levels import Levels, Network
from models.student import TIME_STRIDE

UTTERANCE_LEVELS = ("utterance_frame", "utterance_pooled", "concatenated")
"""What the student's embedding is matched with through a head."""


class Objective(nn.Module):
    """The terms that `config` gives a weight. Its parameters, heads and classifier, are trained with the student and dropped then."""

    def __init__(self, config: LossConfig, network: Network, material: Material, precision: torch.dtype = torch.float32) -> None:
        """precision: of the network's products; the terms are computed in 32 bits."""
        super().__init__()
        self.config = config
        self.precision = precision
        self.material = material
        own = _sizes(network)
        ends = {
            "frame": (own.frame, len(material.frame_standard.mean)),
            "pooled": (own.pooled, material.pooled.shape[1]),
            "embedding": (own.embedding, material.embeddings.shape[1]),
        }
        for name in UTTERANCE_LEVELS:
            if getattr(config, name):
                ends[name] = (own.embedding, self._utterances(name, torch.arange(1)).shape[1])
        if own.embedding == material.embeddings.shape[1]:
            del ends["embedding"]
        self.heads = nn.ModuleDict({name: nn.Linear(*size) for name, size in ends.items() if getattr(config, name)})
        self.classifier = nn.Linear(own.embedding, len(material.prototypes), bias=False) if config.labels else None

    def forward(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        """Return each term of a batch, weighted."""
        levels = self._levels(network, batch.frames)
        # A network whose embedding has another size than the teacher's is compared through a head.
        matched = self.heads["embedding"](levels.embedding) if "embedding" in self.heads else levels.embedding
        device, material = batch.frames.device, self.material
        target, classes = material.embeddings[batch.indices].to(device), material.classes[batch.indices].to(device)
        terms: dict[str, Callable[[], Tensor]] = {
            "embedding": lambda: cosine_loss(matched, target),
            "relational": lambda: relational_loss(levels.embedding, target),
            "prototypes": lambda: prototype_loss(matched, material.prototypes.to(device), classes, self.config),
            "labels": lambda: self._labels(levels.embedding, classes, material.labelled[batch.indices].to(device)),
            "pooled": lambda: level_loss(self.heads["pooled"](levels.pooled), self._statistics(batch.indices).to(device), self.config),
            "frame": lambda: self._frame(levels, batch, TIME_STRIDE // network.frame_stride),
            **{name: partial(self._utterance, name, levels, batch) for name in UTTERANCE_LEVELS},
        }
        weights = {name: getattr(self.config, name) for name in terms}
        return {name: weights[name] * term() for name, term in terms.items() if weights[name]}

    def _levels(self, network: Network, frames: Tensor) -> Levels:
        with torch.autocast(frames.device.type, dtype=self.precision, enabled=self.precision != torch.float32):
            return Levels(*(level.float() for level in network.levels(frames)))

    def _labels(self, embedding: Tensor, classes: Tensor, labelled: Tensor) -> Tensor:
        """Learn known speakers alone: an unknown one may be many people, or one of the known."""
        assert self.classifier is not None  # noqa: S101 - there is one where labels have a weight
        if not labelled.any():
            # Nothing to learn is told to the classifier, too: workers average as many gradients, whomever they hear.
            return 0.0 * (embedding.sum() + self.classifier.weight.sum())
        return prototype_loss(embedding[labelled], F.normalize(self.classifier.weight), classes[labelled], self.config)

    def _frame(self, levels: Levels, batch: Batch, stride: int) -> Tensor:
        times = [time * stride for time in batch.times]
        return level_loss(self.heads["frame"](levels.frame[:, times]), self.material.frame_standard(batch.frame_targets), self.config)

    def _utterance(self, name: str, levels: Levels, batch: Batch) -> Tensor:
        return cosine_loss(self.heads[name](levels.embedding), self._utterances(name, batch.indices).to(batch.frames.device))

    def _utterances(self, name: str, indices: Tensor) -> Tensor:
        """Return a level of whole utterances as one vector each."""
        if name == "utterance_pooled":
            return self._statistics(indices)
        frames = self.material.frame_means(indices)
        if name == "utterance_frame":
            return frames
        # Levels of different sizes weigh the same.
        return torch.cat([F.normalize(part) for part in (frames, self._statistics(indices), self.material.embeddings[indices])], dim=-1)

    def _statistics(self, indices: Tensor) -> Tensor:
        return self.material.pooled_standard(self.material.pooled[indices])


class _Sizes(NamedTuple):
    """Channels of each level."""

    frame: int
    pooled: int
    embedding: int


def _sizes(network: Network) -> _Sizes:
    training = network.training
    with torch.inference_mode(), next(network.parameters()).device:
        sizes = _Sizes(*(level.shape[-1] for level in network.eval().levels(torch.zeros(1, 32, MEL_BINS))))
    network.train(training)
    return sizes
