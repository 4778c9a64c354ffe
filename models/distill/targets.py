"""Teacher targets, computed once and kept on disk under the content of the audio."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.audio import read_audio
from models.distill.processes import make_files
from models.features import log_mel
from models.levels import Network
from models.teachers import load_teacher, version
from models.teachers.embedding import MIN_FRAMES

GRID_FRAMES = 8
"""Log-mel frames (10 ms) from one frame of the frame level that is kept to the next: neighbours tell nearly the same."""


class TargetError(ValueError):
    """A recording has no targets; the message names it and says why."""


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
        return self._of_teacher / name[:2] / f"{name}.npz"

    @cached_property
    def _of_teacher(self) -> Path:
        """A teacher that was trained anew has targets of its own."""
        return self.directory / "-".join([self.teacher, str(GRID_FRAMES), *filter(None, [version(self.teacher)])])

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
        """Compute what is missing, with `jobs` processes; a killed run goes on where it was.

        Raises `TargetError` for a recording that is too short, or of which the teacher makes numbers that are not finite.
        """
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
    teacher, log_mels = _teacher(targets.teacher), log_mel(read_audio(audio))
    if len(log_mels) < MIN_FRAMES:
        raise TargetError(f"{audio} has {len(log_mels)} frames of 10 ms, too few to learn from: leave out what has fewer than {MIN_FRAMES}")
    with torch.inference_mode():
        levels = teacher.levels(torch.from_numpy(log_mels)[None])
    if not all(level.isfinite().all() for level in levels):
        raise TargetError(f"{audio}: the levels of {targets.teacher} are not finite: leave it out")
    frames = levels.frame[0, :: GRID_FRAMES // teacher.frame_stride].half()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = path.with_suffix(".part")
    with partial_file.open("wb") as file:
        np.savez(file, frame=frames.numpy(), pooled=levels.pooled[0].numpy(), embedding=levels.embedding[0].numpy())
    partial_file.replace(path)
