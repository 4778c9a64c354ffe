"""What a model is calibrated on: recordings heard as the daemon hears them, one by one and in a row, as they are and degraded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from daemon.calibrating.trajectories import trajectories
from daemon.config import Config
from daemon.speakers import mean_direction, unit
from models.audio import read_audio
from models.calibration.attempts import Attempt, Enrollment, Material, MaterialError, Trajectory
from models.calibration.cohort import Cohort
from models.calibration.quality import Rows
from models.encoder import Encoder
from models.evaluate.conditions import VALUES, Condition, random_of
from models.features import Waveform
from models.manifest import Recording

ENROLLED: Final = 3
"""A voice is enrolled with at most so many recordings."""
IMPOSTORS: Final = 4
"""Of a corpus so many speakers are heard at most, for each who is enrolled, who have one recording only."""
HEARD: Final = 8
"""Of each speaker at most so many recordings are heard."""
ROW_SECONDS: Final = 10.0
"""Recordings in a row make about so much audio."""
MOST_SECONDS: Final = 12.0
"""Of each attempt so much speech is heard at most."""
DEGRADED: Final = {"noise": 0.7, "room": 0.2, "telephone": 0.1}
"""How what is heard clean is heard once more, with which chance."""
SHARE_DEGRADED: Final = 0.5
ENROLLMENT_NOISE: Final = 15.0
"""SNR in dB of one of the enrollments of each speaker."""
VIEW_SECONDS: Final = 2.0
COHORT: Final = 300
"""At most so many voices are in the cohort, of one recording each."""

Row = tuple[int, ...]
"""Numbers of recordings of one speaker that are heard in a row."""


@dataclass(frozen=True)
class Sound:
    """Recordings in a row under a condition; None: as they are."""

    row: Row
    condition: Condition | None = None

    @property
    def name(self) -> str:
        """The condition as it is told."""
        return f"{self.condition.kind} {self.condition.name}" if self.condition else "clean"


class Studio:
    """Hears and enrolls as a daemon with this encoder and configuration does. noises: files to take noise from, maybe none."""

    def __init__(
        self, recordings: Sequence[Recording], encoder: Encoder, config: Config, noises: Sequence[Path] = (), *, seed: int = 0
    ) -> None:
        self._recordings = recordings
        self._encoder = encoder
        self._vad = config.vad
        self._needed = config.enrollment.min_speech_seconds
        self._noises = tuple(noises)
        self._random = np.random.default_rng(seed)

    def material(self, *, held_out_only: bool) -> Material:
        """Hear all labelled speakers, or those held out only; then some of the others are told as such.

        Raises `MaterialError` for a recording that cannot be read, `models.evaluate.conditions.ConditionError` for an unusable noise.
        """
        chosen = self._few_impostors([own for own in self._speakers() if self._recordings[own[0]].held_out or not held_out_only])
        others = [own for own in self._speakers() if not self._recordings[own[0]].held_out and held_out_only]
        sounds = [sound for own in chosen for sound in self._sounds(own[:HEARD])]
        enrolled = [made for own in chosen for made in self._enrollments(own[:HEARD])]
        heard = self._heard([*sounds, *(part for made in enrolled for part in made)])
        views = [sound for sound in sounds if len(sound.row) > 1 and not sound.condition]
        return Material(
            [self._attempt(sound, heard[sound]) for sound in sounds],
            [self._enrollment(made, heard) for made in enrolled if self._suffices(made, heard)],
            [self._attempt(sound, seen) for sound, seen in self._heard(views, VIEW_SECONDS).items()],
            self._voices(others),
        )

    def _speakers(self) -> list[Row]:
        """Return the recordings of each labelled speaker, in the manifest's order."""
        speakers: dict[tuple[str, str], list[int]] = {}
        for number, recording in enumerate(self._recordings):
            if recording.labelled:
                speakers.setdefault((recording.corpus, recording.speaker), []).append(number)
        return [tuple(own) for own in speakers.values()]

    def _few_impostors(self, chosen: Sequence[Row]) -> list[Row]:
        """Leave speakers out who cannot be enrolled where they are many more than those of their corpus who can."""
        corpora: dict[str, list[Row]] = {}
        for own in chosen:
            corpora.setdefault(self._recordings[own[0]].corpus, []).append(own)
        kept: list[Row] = []
        for speakers in corpora.values():
            owners = [own for own in speakers if len(own) > 1]
            kept += owners
            kept += [own for own in speakers if own not in owners][: IMPOSTORS * len(owners)]
        return kept

    def _sounds(self, own: Row) -> Iterator[Sound]:
        """Yield what is heard of a speaker: each recording, clean and degraded, and a row of them; one who cannot be enrolled, once."""
        if len(own) == 1:
            yield Sound(own, self._degraded() if self._random.random() < SHARE_DEGRADED else None)
            return
        for number in own:
            yield Sound((number,))
            yield Sound((number,), self._degraded())
        yield from map(Sound, self._row(own))

    def _degraded(self) -> Condition:
        kinds = [kind for kind in DEGRADED if kind != "noise" or self._noises]
        chances = np.array([DEGRADED[kind] for kind in kinds])
        kind = kinds[int(self._random.choice(len(kinds), p=chances / chances.sum()))]
        return Condition(kind, float(self._random.choice(VALUES[kind])), self._noises if kind == "noise" else ())

    def _row(self, own: Row) -> list[Row]:
        """Return the first recordings that follow each other in one session and make about `ROW_SECONDS`; none if there are no two."""
        for _, same in groupby(own, lambda number: self._recordings[number].session):
            numbers = tuple(same)
            before = np.cumsum([0.0, *(self._recordings[number].duration for number in numbers)])[:-1]
            row = numbers[: np.count_nonzero(before < ROW_SECONDS)]
            if len(row) > 1:
                return [row]
        return []

    def _enrollments(self, own: Row) -> list[tuple[Sound, ...]]:
        """Return what the speaker is enrolled with, several times: the last time in noise."""
        noise = Condition("noise", ENROLLMENT_NOISE, self._noises) if self._noises else None
        *clean, last = enrollment_sets(own) or [()]
        return [tuple(Sound((number,)) for number in row) for row in clean] + [tuple(Sound((number,), noise) for number in last)] * bool(
            last
        )

    def _heard(self, sounds: Sequence[Sound], view: float | None = None) -> dict[Sound, Trajectory]:
        """Hear each sound once; those of a like length together, so that none waits for others."""
        ordered = sorted(dict.fromkeys(sounds), key=lambda sound: sum(self._recordings[number].duration for number in sound.row))
        waveforms = map(self._waveform, ordered)
        return dict(zip(ordered, trajectories(waveforms, self._encoder, self._vad, MOST_SECONDS, view), strict=True))

    def _waveform(self, sound: Sound) -> Waveform:
        paths = [self._recordings[number].path for number in sound.row]
        waveform = np.concatenate([_read(path) for path in paths])
        return sound.condition.apply(waveform, random_of(paths[0])) if sound.condition else waveform

    def _attempt(self, sound: Sound, trajectory: Trajectory) -> Attempt:
        first = self._recordings[sound.row[0]]
        return Attempt(first.speaker, first.corpus, sound.name, frozenset(sound.row), trajectory)

    def _suffices(self, made: Sequence[Sound], heard: Mapping[Sound, Trajectory]) -> bool:
        """Tell whether there is as much speech as the daemon demands: voices that it never enrolls would make boundaries too strict."""
        return _spoken(made, heard) >= self._needed

    def _enrollment(self, made: Sequence[Sound], heard: Mapping[Sound, Trajectory]) -> Enrollment:
        """Enroll a voice as the daemon does: the mean of its recordings; those without speech do not count."""
        parts = [part for sound in made if len((part := heard[sound]).speech)]
        voiceprint = mean_direction([unit(part.embeddings[-1]).astype(np.float32) for part in parts])
        first = self._recordings[made[0].row[0]]
        recordings = frozenset(number for sound in made for number in sound.row)
        return Enrollment(first.speaker, first.corpus, recordings, voiceprint, _spoken(made, heard))

    def _voices(self, others: Sequence[Row]) -> Rows:
        """Return the voiceprints of some speakers, of all corpora alike, (voices, d)."""
        corpora: dict[str, list[Row]] = {}
        for place in self._random.permutation(len(others)):
            corpora.setdefault(self._recordings[others[place][0]].corpus, []).append(others[place][:1])
        by_turns = sorted((turn, own) for rows in corpora.values() for turn, own in enumerate(rows))
        chosen = [[Sound((number,)) for number in own] for _, own in by_turns[:COHORT]]
        heard = self._heard([sound for own in chosen for sound in own])
        voices = [self._enrollment(own, heard).voiceprint for own in chosen if any(len(heard[sound].speech) for sound in own)]
        return np.array(voices, dtype=np.float64) if voices else Cohort.none().voices


def _spoken(made: Sequence[Sound], heard: Mapping[Sound, Trajectory]) -> float:
    """Return the net seconds of speech of sounds."""
    return sum(float(heard[sound].speech[-1]) for sound in made if len(heard[sound].speech))


def enrollment_sets(own: Row) -> list[Row]:
    """Return with which recordings a speaker is enrolled: up to three, twice, then fewer; at least one is left to verify."""
    if len(own) == 1:
        return []
    most = min(ENROLLED, len(own) - 1)
    later = own[len(own) // 2 :] + own[: len(own) // 2]
    sets = [own[:most], later[:most], own[:1], later[: most - 1]]
    return list(dict.fromkeys(tuple(sorted(row)) for row in sets if row))


@lru_cache(maxsize=64)
def _read(path: Path) -> Waveform:
    try:
        return read_audio(path)
    except soundfile.SoundFileError as error:
        raise MaterialError(f"{path} cannot be read: {error}") from None
