"""The recipe of a training run, from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

import torch
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.distill.augment import AugmentConfig
from models.distill.learners import learners
from models.distill.losses import TERMS, LossConfig
from models.teachers import TEACHERS

CHANGEABLE: Final = frozenset({"data", "cache", "output", "steps", "decay", "threads", "checkpoint_every", "evaluate_every"})
"""What a run may go on with otherwise: where its files are, how long it is, and how often it tells."""


class RecipeError(ValueError):
    """A recipe is invalid or does not fit its data or its run; the message names each key, its value and what is allowed."""


def _one_of(names: tuple[str, ...], name: str) -> str:
    if name not in names:
        raise ValueError(f"not known; there are {', '.join(names)}")
    return name


def _learner(name: str) -> str:
    return _one_of(learners(), name)


def _teacher(name: str) -> str:
    return _one_of(TEACHERS, name)


Count = Annotated[int, Field(ge=1)]
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
    steps: Count
    batch_seconds: Annotated[float, Field(gt=0)] = 90.0
    crop_seconds: tuple[float, float] = (1.0, 6.0)
    speeds: tuple[Speed, ...] = ()
    voices: Annotated[int, Field(ge=0)] = 0
    evenness: Annotated[float, Field(ge=0, le=1)] = 0.5
    matrix_rate: float = 0.01
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: Count = 200
    decay: Annotated[float, Field(gt=0, le=1)] = 0.3
    seed: int = 1
    threads: Count = 2
    checkpoint_every: Count = 250
    evaluate_every: Count = 1000
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

    @model_validator(mode="after")
    def _something_is_learned(self) -> Self:
        if not any(getattr(self.loss, name) for name in TERMS):
            raise ValueError(f"loss: one of {', '.join(TERMS)} needs a weight above 0")
        return self

    def changed_since(self, earlier: str) -> list[str]:
        """Return the keys, but for `CHANGEABLE`, that an earlier recipe, as JSON, has otherwise. Raises `RecipeError` for no recipe."""
        try:
            before = type(self).model_validate_json(earlier)
        except ValidationError:
            raise RecipeError("the checkpoint in output has a recipe of another version of speakerd: give the run another output") from None
        return [name for name in type(self).model_fields if name not in CHANGEABLE and getattr(self, name) != getattr(before, name)]


def load_recipe(path: Path) -> DistillConfig:
    """Read a recipe. Raises `RecipeError` on an unknown key, a wrong type or a value out of range, and for what is no YAML."""
    try:
        return DistillConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not a recipe in YAML: {error}") from None
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"{path}: " + "; ".join(problems)) from None
