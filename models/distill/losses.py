"""What the student is asked to match: the teacher's levels, and its map of speakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F

Weight = Annotated[float, Field(ge=0)]


class LossConfig(BaseModel):
    """Weight of each term; a weight of 0 leaves it out.

    The student's embedding of a crop is to match the teacher's of the clean, whole utterance (`embedding`), the cosines between those of
    a batch (`relational`), and its speaker's mean (`prototypes`); through a head of its own each, the teacher's statistics
    (`utterance_pooled`), the mean of its frame level (`utterance_frame`), or all three levels in one vector (`concatenated`: Liu et al.,
    "Distilling Multi-Level X-vector Knowledge for Small-footprint Speaker Verification", arXiv 2303.01125). The student's own statistics
    and frame level are to match the teacher's (`pooled`, `frame`; the student may lag `frame_delay` frames of 20 ms). `labels` is for
    learning without a teacher: margin softmax with a classifier that is learned. `scale` and `margin` are those of both softmaxes.
    `distance`: of statistics and frame levels from what they are to match; smooth_l1 does not let rare large values rule a batch, mse does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding: Weight = 8.0
    relational: Weight = 1.0
    prototypes: Weight = 1.0
    utterance_pooled: Weight = 0.0
    utterance_frame: Weight = 0.0
    concatenated: Weight = 0.0
    pooled: Weight = 1.0
    frame: Weight = 1.0
    labels: Weight = 0.0
    frame_delay: Annotated[int, Field(ge=0)] = 4
    scale: float = 24.0
    margin: float = 0.1
    distance: Literal["smooth_l1", "mse"] = "smooth_l1"


TERMS: Final = tuple(name for name in LossConfig.model_fields if name not in {"distance", "frame_delay", "scale", "margin"})
"""The terms that have a weight."""


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
        return (values - self.mean.to(values.device)) / self.std.to(values.device)


def cosine_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - cosine, averaged over the batch; both (batch, size)."""
    return 1.0 - F.cosine_similarity(student, teacher).mean()


def relational_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared error of the cosines between the batch's utterances, times the batch size; needs no labels. Both (batch, size).

    Park et al., "Relational Knowledge Distillation", CVPR 2019, with cosines for distances.
    """
    student, teacher = F.normalize(student), F.normalize(teacher)
    return F.mse_loss(student @ student.T, teacher @ teacher.T) * len(student)


def prototype_loss(student: Tensor, prototypes: Tensor, classes: Tensor, config: LossConfig) -> Tensor:
    """Additive angular margin softmax: Deng et al., "ArcFace", CVPR 2019.

    student: (batch, size); prototypes: (speakers, size), of unit length, fixed to the teacher's means of each speaker or learned; classes:
    (batch,).
    """
    cosines = F.normalize(student) @ prototypes.T
    own = cosines.gather(1, classes[:, None]).clamp(-0.9999, 0.9999)
    cosines = cosines.scatter(1, classes[:, None], torch.cos(torch.acos(own) + config.margin))
    return F.cross_entropy(config.scale * cosines, classes)


def level_loss(prediction: Tensor, target: Tensor, config: LossConfig) -> Tensor:
    """Distance of a head's prediction from a standardised level, both (..., channels), averaged."""
    return F.mse_loss(prediction, target) if config.distance == "mse" else F.smooth_l1_loss(prediction, target)
