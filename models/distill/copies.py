"""More voices from the same recordings: copies in which somebody else seems to say it, made once and kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import soundfile

from models.audio import read_audio
from models.distill.processes import make_files
from models.distill.targets import digest
from models.distill.voices import Voice, made_up_voice
from models.features import SAMPLE_RATE
from models.manifest import Recording


@dataclass(frozen=True)
class VoiceCopies:
    """Copies of recordings in `directory`, one FLAC file for each recording and voice, named by the SHA-256 of the recording's bytes."""

    directory: Path

    def of(self, recordings: Sequence[Recording], speeds: Sequence[float], voices: int, jobs: int) -> list[Recording]:
        """Return the recordings at each of `speeds` (1 is as recorded), then in as many made-up `voices`, each a speaker of its own.

        What is missing is made with `jobs` processes.
        """
        played = [(recording, Voice(speed)) for speed in speeds for recording in recordings]
        played += [(recording, made_up_voice(recording, number)) for number in range(voices) for recording in recordings]
        copies = [self._copy(recording, voice) for recording, voice in played]
        wanted = [_Played(recording.path, copy.path, voice) for (recording, voice), copy in zip(played, copies, strict=True)]
        make_files(_play, [each for each in wanted if not each.copy.exists()], jobs, "other voices")
        return copies

    def _copy(self, recording: Recording, voice: Voice) -> Recording:
        path = self.directory / f"{digest(recording.path)}-{voice.name}.flac"
        return replace(recording, path=path, speaker=f"{voice.name}x {recording.speaker}", duration=recording.duration / voice.speed)


class _Played(NamedTuple):
    """A copy to be made."""

    recording: Path
    copy: Path
    voice: Voice


def _play(played: _Played) -> None:
    samples = played.voice.of(read_audio(played.recording))
    played.copy.parent.mkdir(parents=True, exist_ok=True)
    partial = played.copy.with_suffix(".part")
    soundfile.write(partial, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    partial.replace(played.copy)
