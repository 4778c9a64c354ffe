"""The teachers: networks of the x-vector family, one module each.

A module of this package that has `load()`, which returns the network in evaluation mode, is a teacher by the module's name. One that has
a `SOURCE` gets its weights by `python -m models.teachers fetch`; one that has an `untrained()` is trained here (docs/training.md).
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from models.levels import Network
from models.teachers.store import Source, TeacherError, trained_version

__all__ = ["TEACHERS", "TeacherError", "load_teacher", "sources", "trainable", "untrained_teacher", "version"]

TEACHERS: Final = tuple(sorted({module.name for module in iter_modules(__path__)} - {"__main__", "embedding", "layers", "store"}))
"""The names of all teachers."""


def load_teacher(name: str) -> Network:
    """Return a teacher in evaluation mode. Raises `TeacherError` where its weights are missing or altered."""
    teacher: Network = _module(name).load()
    return teacher


def trainable() -> tuple[str, ...]:
    """Return the names of those teachers that are trained here."""
    return tuple(name for name in TEACHERS if hasattr(_module(name), "untrained"))


def untrained_teacher(name: str) -> Network:
    """Return a teacher that is trained here, with random weights. Raises `TeacherError` for one that is not."""
    if name not in trainable():
        raise TeacherError(f"{name!r} is not trained here; trained here are {', '.join(trainable())}")
    network: Network = _module(name).untrained()
    return network


def version(name: str) -> str:
    """Return what tells the weights of a teacher that is trained here from those that it had before; nothing for one that is not.

    Raises `TeacherError` where they are missing.
    """
    return trained_version(name) if name in trainable() else ""


def sources() -> tuple[Source, ...]:
    """Return where the weights of those teachers come from that are not trained here."""
    return tuple(module.SOURCE for module in map(_module, TEACHERS) if hasattr(module, "SOURCE"))


def _module(name: str) -> ModuleType:
    if name not in TEACHERS:
        raise TeacherError(f"there is no teacher {name!r}; there are {', '.join(TEACHERS)}")
    return import_module(f"{__name__}.{name}")
