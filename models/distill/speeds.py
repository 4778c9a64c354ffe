"""More voices from the same recordings: played slower or faster, everyone becomes someone else.

Yamamoto et al., "Speaker augmentation and bandwidth extension for deep speaker embedding", Interspeech 2019: each speed of a speaker is
a speaker of its own. The teacher hears the copies as they are played, so that each has targets of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import soundfile
import soxr
from tqdm import tqdm

from models.audio import read_audio
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
        missing = [(recording.path, copy.path, speed) for recording, copy, speed in wanted if not copy.path.exists()]
        if missing:
            self.directory.mkdir(parents=True, exist_ok=True)
            with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
                list(tqdm(pool.map(_play, *zip(*missing, strict=True), chunksize=64), total=len(missing), desc="other speeds", unit="file"))
        return [copy for _, copy, _ in wanted]

    def _copy(self, recording: Recording, speed: float) -> Recording:
        path = self.directory / f"{digest(recording.path)}-{speed:g}.flac"
        return replace(recording, path=path, speaker=f"{speed:g}x {recording.speaker}", duration=recording.duration / speed)


def _play(recording: Path, copy: Path, speed: float) -> None:
    played = soxr.resample(read_audio(recording), SAMPLE_RATE * speed, SAMPLE_RATE)
    partial = copy.with_suffix(".part")
    soundfile.write(partial, played, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    partial.replace(copy)
