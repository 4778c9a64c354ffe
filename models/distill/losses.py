"""What the student is asked to match: the teacher's levels, and its map of speakers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional as F


class LossConfig(BaseModel):
    """Weight of each term; a weight of 0 leaves its level out. `frame_delay`: the student may lag so many 20 ms frames."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding: float = 8.0
    relational: float = 1.0
    prototypes: float = 1.0
    pooled: float = 1.0
    frame: float = 1.0
    frame_delay: int = 4
    scale: float = 24.0
    margin: float = 0.1


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of each channel of a level over the training data, (channels,) each."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Standard:
        """Measure `values`, (count, channels)."""
        return cls(values.mean(dim=0), values.std(dim=0).clamp(min=1e-3))

    def __call__(self, values: Tensor) -> Tensor:
        """Shift and scale `values` to mean 0 and deviation 1 per channel."""
        return (values - self.mean) / self.std


class Heads(nn.Module):
    """Projections from the student's levels to the teacher's; dropped after training."""

    def __init__(self, frame: tuple[int, int], pooled: tuple[int, int]) -> None:
        super().__init__()
        self.frame = nn.Linear(*frame)
        self.pooled = nn.Linear(*pooled)


def embedding_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - cosine, averaged over the batch; both (batch, size)."""
    return 1.0 - F.cosine_similarity(student, teacher).mean()


def relational_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared error of the cosines between the batch's utterances, times the batch size; needs no labels. Both (batch, size).

    Park et al., "Relational Knowledge Distillation", CVPR 2019, with cosines for distances.
    """
    student, teacher = F.normalize(student), F.normalize(teacher)
    return F.mse_loss(student @ student.T, teacher @ teacher.T) * len(student)


def prototype_loss(student: Tensor, prototypes: Tensor, classes: Tensor, config: LossConfig) -> Tensor:
    """Additive angular margin softmax against fixed prototypes: the teacher's unit-length mean embedding of each speaker.

    Deng et al., "ArcFace", CVPR 2019; the classifier is the teacher's and is not learned. student: (batch, size), prototypes:
    (speakers, size), classes: (batch,).
    """
    cosines = F.normalize(student) @ prototypes.T
    own = cosines.gather(1, classes[:, None]).clamp(-0.9999, 0.9999)
    cosines = cosines.scatter(1, classes[:, None], torch.cos(torch.acos(own) + config.margin))
    return F.cross_entropy(config.scale * cosines, classes)


def level_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Smooth L1 between a head's prediction and a standardised level: its rare large values do not rule the batch."""
    return F.smooth_l1_loss(prediction, target)
