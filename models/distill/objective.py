"""What a step minimises: the terms of a recipe, with the heads and the classifier that they need."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.distill.batches import Batch
from models.distill.losses import LossConfig, cosine_loss, level_loss, prototype_loss, relational_loss
from models.distill.material import Material
from models.student import Encoded, Student

UTTERANCE_LEVELS = ("utterance_frame", "utterance_pooled", "concatenated")
"""What the student's embedding is matched with through a head."""


class Objective(nn.Module):
    """The terms that `config` gives a weight. Its parameters, heads and classifier, are trained with the student and dropped then."""

    def __init__(self, config: LossConfig, student: Student, material: Material) -> None:
        super().__init__()
        self.config = config
        self.material = material
        sizes, frame = student.config, material.frame_standard.mean.numel()
        ends = {"frame": (2 * sizes.channels, frame), "pooled": (4 * sizes.channels, material.pooled.shape[1])}
        for name in UTTERANCE_LEVELS:
            if getattr(config, name):
                ends[name] = (sizes.embedding, self._utterances(name, torch.arange(1)).shape[1])
        self.heads = nn.ModuleDict({name: nn.Linear(*size) for name, size in ends.items() if getattr(config, name)})
        self.classifier = nn.Linear(sizes.embedding, len(material.prototypes), bias=False) if config.labels else None

    def forward(self, student: Student, batch: Batch) -> dict[str, Tensor]:
        """Return each term of a batch, weighted."""
        encoded = student.encode(batch.frames, student.initial_state(len(batch.frames)))
        embedding = student.embed(encoded.state)
        target, classes = self.material.embeddings[batch.indices], self.material.classes[batch.indices]
        terms: dict[str, Callable[[], Tensor]] = {
            "embedding": lambda: cosine_loss(embedding, target),
            "relational": lambda: relational_loss(embedding, target),
            "prototypes": lambda: prototype_loss(embedding, self.material.prototypes, classes, self.config),
            "labels": lambda: prototype_loss(embedding, self._speakers(), classes, self.config),
            "pooled": lambda: self._pooled(student, encoded, batch),
            "frame": lambda: self._frame(encoded, batch),
            **{name: lambda name=name: self._utterance(name, embedding, batch) for name in UTTERANCE_LEVELS},  # type: ignore[misc]
        }
        weights = {name: getattr(self.config, name) for name in terms}
        return {name: weights[name] * term() for name, term in terms.items() if weights[name]}

    def _speakers(self) -> Tensor:
        assert self.classifier is not None  # noqa: S101 - there is one where labels have a weight
        return F.normalize(self.classifier.weight)

    def _pooled(self, student: Student, encoded: Encoded, batch: Batch) -> Tensor:
        return level_loss(self.heads["pooled"](student.pooled(encoded.state)), self._statistics(batch.indices))

    def _frame(self, encoded: Encoded, batch: Batch) -> Tensor:
        return level_loss(self.heads["frame"](encoded.frame[:, batch.times]), self.material.frame_standard(batch.frame_targets))

    def _utterance(self, name: str, embedding: Tensor, batch: Batch) -> Tensor:
        return cosine_loss(self.heads[name](embedding), self._utterances(name, batch.indices))

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
