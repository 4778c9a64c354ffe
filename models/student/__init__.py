"""The students: causal x-vector encoders that carry their state from frame to frame, in two sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from models.student.bottleneck import BottleneckConfig, BottleneckStudent
from models.student.dense import DenseConfig, DenseStudent
from models.student.network import TIME_STRIDE, Encoded, Student

__all__ = ["BASE", "CONFIGS", "EDGE", "TIME_STRIDE", "Encoded", "Student", "StudentConfig", "new_student", "sizes_of", "student_of"]

StudentConfig = BottleneckConfig | DenseConfig

EDGE: Final = BottleneckConfig()
"""At most 0.62 M parameters: 91 % smaller than CAM++."""
BASE: Final = DenseConfig()
"""At most 1.71 M parameters: 75 % smaller than CAM++."""
CONFIGS: Final[Mapping[str, StudentConfig]] = {"edge": EDGE, "base": BASE}

_KINDS: Final = {"bottleneck": BottleneckConfig, "dense": DenseConfig}


def new_student(config: StudentConfig) -> Student:
    """Return a student of these sizes with random weights."""
    return BottleneckStudent(config) if isinstance(config, BottleneckConfig) else DenseStudent(config)


def sizes_of(student: Student) -> dict[str, Any]:
    """Return the sizes of a student as plain values, for a checkpoint or a card."""
    kind = next(kind for kind, sizes in _KINDS.items() if isinstance(student.config, sizes))
    return {"kind": kind, **asdict(student.config)}


def student_of(sizes: Mapping[str, Any]) -> Student:
    """Return a student of the sizes that `sizes_of` told, with random weights."""
    sizes = {name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()}
    return new_student(_KINDS[sizes.pop("kind")](**sizes))
