"""The recipe of a training run, from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from models.distill.augment import AugmentConfig
from models.distill.losses import LossConfig


class RecipeError(ValueError):
    """A recipe is invalid; the message names each key, its value and what is allowed."""


class DistillConfig(BaseModel):
    """Everything that determines a run, beside the audio itself.

    data is a directory that holds `train.tsv`, `dev.tsv` and `noise.tsv`. The learning rate warms up, stays, and
    falls to zero over the last `decay` of the steps (trapezoid): a longer run can go on from any checkpoint before the fall.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    student: Literal["edge", "base"]
    teacher: Literal["campplus"]
    data: Path
    cache: Path
    output: Path
    steps: int
    batch: int = 32
    crop_seconds: tuple[float, float] = (1.0, 4.0)
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


def load_recipe(path: Path) -> DistillConfig:
    """Read a recipe. Raises `RecipeError` on an unknown key, a wrong type or a value out of range."""
    try:
        return DistillConfig.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"{path}: " + "; ".join(problems)) from None
