"""More voices from the same recordings: played slower or faster, everyone becomes someone else.

Yamamoto et al., "Speaker augmentation and bandwidth extension for deep speaker embedding", Interspeech 2019: each speed of a speaker is
a speaker of its own. The teacher hears the copies as they are played, so that each has targets of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import soundfile
import soxr

from models.audio import read_audio
from models.distill.processes import make_files
from models.distill.targets import digest
from models.features import SAMPLE_RATE
from models.manifest import Recording


@dataclass(frozen=True)
class SpeedCopies:
    """Copies of recordings in `directory`, one FLAC file for each recording and speed, named by the SHA-256 of the recording's bytes."""

    directory: Path

    def of(self, recordings: Sequence[Recording], speeds: Sequence[float], jobs: int) -> list[Recording]:
        """Return the recordings at each of `speeds` (1 is as recorded), making what is missing with `jobs` processes."""
        wanted = [(recording, self._copy(recording, speed), speed) for speed in speeds for recording in recordings]
        missing = [_Played(recording.path, copy.path, speed) for recording, copy, speed in wanted if not copy.path.exists()]
        make_files(_play, missing, jobs, "other speeds")
        return [copy for _, copy, _ in wanted]

    def _copy(self, recording: Recording, speed: float) -> Recording:
        path = self.directory / f"{digest(recording.path)}-{speed:g}.flac"
        return replace(recording, path=path, speaker=f"{speed:g}x {recording.speaker}", duration=recording.duration / speed)


class _Played(NamedTuple):
    """A copy to be made."""

    recording: Path
    copy: Path
    speed: float


def _play(played: _Played) -> None:
    samples = soxr.resample(read_audio(played.recording), SAMPLE_RATE * played.speed, SAMPLE_RATE)
    played.copy.parent.mkdir(parents=True, exist_ok=True)
    partial = played.copy.with_suffix(".part")
    soundfile.write(partial, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    partial.replace(played.copy)
