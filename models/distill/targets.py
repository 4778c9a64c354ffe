"""Teacher targets, computed once and kept on disk under the content of the audio."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.audio import read_audio
from models.distill.processes import make_files
from models.features import log_mel
from models.levels import Network
from models.teachers import load_teacher

GRID_FRAMES = 8
"""Log-mel frames (10 ms) from one frame of the frame level that is kept to the next: neighbours tell nearly the same."""


@cache
def digest(audio: Path) -> str:
    """Return the SHA-256 of a recording's bytes."""
    return hashlib.sha256(audio.read_bytes()).hexdigest()


@dataclass(frozen=True)
class TargetCache:
    """The targets of one teacher, one file per recording, named by the SHA-256 of the recording's bytes."""

    directory: Path
    teacher: str

    def path(self, audio: Path) -> Path:
        """Return where the targets of `audio` are or will be."""
        name = digest(audio)
        return self.directory / f"{self.teacher}-{GRID_FRAMES}" / name[:2] / f"{name}.npz"

    def load_utterance(self, audio: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the pooled level and the embedding of `audio`. Raises `FileNotFoundError` if they were not computed."""
        with np.load(self.path(audio)) as stored:
            return stored["pooled"], stored["embedding"]

    def load_frames(self, audio: Path) -> NDArray[np.float16]:
        """Return the frame level of `audio`, every GRID_FRAMES, (time, channels). Raises `FileNotFoundError` if it was not computed."""
        with np.load(self.path(audio)) as stored:
            frames: NDArray[np.float16] = stored["frame"]
        return frames

    def fill(self, recordings: Iterable[Path], jobs: int) -> None:
        """Compute what is missing, with `jobs` processes; a killed run goes on where it was."""
        missing = [audio for audio in recordings if not self.path(audio).exists()]
        make_files(partial(_compute, self), missing, jobs, f"{self.teacher} targets")


@cache
def _teacher(name: str) -> Network:
    """Load a teacher once per process."""
    return load_teacher(name)


def _compute(targets: TargetCache, audio: Path) -> None:
    path = targets.path(audio)
    if path.exists():  # Of two recordings of one content, the first was enough.
        return
    teacher = _teacher(targets.teacher)
    with torch.inference_mode():
        levels = teacher.levels(torch.from_numpy(log_mel(read_audio(audio)))[None])
    frames = levels.frame[0, :: GRID_FRAMES // teacher.frame_stride].half()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = path.with_suffix(".part")
    with partial_file.open("wb") as file:
        np.savez(file, frame=frames.numpy(), pooled=levels.pooled[0].numpy(), embedding=levels.embedding[0].numpy())
    partial_file.replace(path)
