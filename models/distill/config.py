"""The recipe of a training run, from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import torch
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.distill.augment import AugmentConfig
from models.distill.learners import learners
from models.distill.losses import LossConfig
from models.teachers import TEACHERS


class RecipeError(ValueError):
    """A recipe is invalid; the message names each key, its value and what is allowed."""


def _one_of(names: tuple[str, ...], name: str) -> str:
    if name not in names:
        raise ValueError(f"not known; there are {', '.join(names)}")
    return name


def _learner(name: str) -> str:
    return _one_of(learners(), name)


def _teacher(name: str) -> str:
    return _one_of(TEACHERS, name)


Speed = Annotated[float, Field(ge=0.5, le=2.0)]


class DistillConfig(BaseModel):
    """Everything that determines a run, beside the audio itself.

    student: what is trained, a student or a larger network that is to become a teacher. data is a directory that holds `train.tsv`,
    `dev.tsv` and `noise.tsv`. start: weights of the same network to begin with, as `models.export` writes them; random ones without.
    inherit: begin with the teacher's own weights instead, which a student has to be made for. frozen: layers that stay as they are, such
    as head. precision: of the products and convolutions of a step; bfloat16 takes half the time on processors that have it.
    batch_seconds: audio per step; a batch has as many crops as fit. evenness: 0 draws all recordings alike, 1 all speakers, whatever they
    said. speeds: at which all recordings are heard beside their own speed, as those of other speakers. voices: how
    many made-up ones say each recording, too. The learning rates warm up, stay,
    and fall to zero over the last `decay` of the steps (trapezoid): a longer run can go on from any checkpoint before the fall. Matrices
    are trained by Muon at `matrix_rate`, all else by AdamW at `learning_rate`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    student: Annotated[str, AfterValidator(_learner)]
    teacher: Annotated[str, AfterValidator(_teacher)]
    data: Path
    cache: Path
    output: Path
    start: Path | None = None
    inherit: bool = False
    frozen: tuple[str, ...] = ()
    precision: Literal["float32", "bfloat16"] = "float32"
    steps: Annotated[int, Field(ge=1)]
    batch_seconds: Annotated[float, Field(gt=0)] = 90.0
    crop_seconds: tuple[float, float] = (1.0, 6.0)
    speeds: tuple[Speed, ...] = ()
    voices: Annotated[int, Field(ge=0)] = 0
    evenness: Annotated[float, Field(ge=0, le=1)] = 0.5
    matrix_rate: float = 0.01
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: int = 200
    decay: float = 0.3
    seed: int = 1
    threads: int = 2
    checkpoint_every: int = 250
    evaluate_every: int = 1000
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()

    @property
    def dtype(self) -> torch.dtype:
        """The precision as torch calls it."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    @model_validator(mode="after")
    def _a_batch_holds_crops(self) -> Self:
        shortest, longest = self.crop_seconds
        if not 0 < shortest <= longest <= self.batch_seconds / 2:
            raise ValueError(
                f"crop_seconds {self.crop_seconds} must rise from above 0 to at most half of batch_seconds ({self.batch_seconds:g})"
            )
        return self


def load_recipe(path: Path) -> DistillConfig:
    """Read a recipe. Raises `RecipeError` on an unknown key, a wrong type or a value out of range."""
    try:
        return DistillConfig.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"{path}: " + "; ".join(problems)) from None
