"""What can be trained: students, and teachers that are trained here."""

from __future__ import annotations

from models.levels import Network
from models.student import CONFIGS, new_student
from models.teachers import trainable, untrained_teacher


def learners() -> tuple[str, ...]:
    """Return their names."""
    return (*CONFIGS, *trainable())


def new_learner(name: str) -> Network:
    """Return one with random weights."""
    return new_student(CONFIGS[name]) if name in CONFIGS else untrained_teacher(name)
