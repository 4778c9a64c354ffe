"""The work of one process: hear recordings, enroll people, decide attempts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeVar

import soundfile
from rich.console import Console
from rich.progress import track

from daemon.config import Config
from daemon.errors import EvaluationError
from daemon.evaluation.enrolling import Enrolled, Registrar
from daemon.evaluation.heard import hear
from daemon.evaluation.replay import Decisions, Replay
from daemon.speakers import Speaker
from models.audio import read_audio
from models.calibration.calibration import Calibration
from models.encoder import Encoder
from models.evaluate.conditions import Condition, random_of
from models.features import SAMPLE_RATE, Waveform

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Setting:
    """What is measured. encoder: loads the one whose calibration it is. condition: under which all but enrollments is heard, if any."""

    config: Config
    encoder: Callable[[], Encoder]
    calibration: Calibration
    condition: Condition | None = None


class Enrollment(NamedTuple):
    """Somebody to be enrolled, and with what."""

    name: str
    paths: tuple[Path, ...]


class Test(NamedTuple):
    """A recording to be tried at everybody enrolled; own: the position of who speaks among them, if they are."""

    path: Path
    own: int | None


class Roster(NamedTuple):
    """Who is enrolled in a corpus, in order."""

    corpus: str
    speakers: tuple[Speaker, ...]


class Bench:
    """Does all of it with one encoder."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.encoder = setting.encoder()
        self._registrar = Registrar(self.encoder, setting.config, setting.calibration)
        self._enough = round(setting.config.decision.speech_seconds * SAMPLE_RATE)
        self._replay: tuple[str, Replay] | None = None

    def enroll(self, enrollment: Enrollment) -> Enrolled:
        """Enroll somebody. Raises `EvaluationError` for a file that cannot be read."""
        return self._registrar.enroll(enrollment.name, [read(path) for path in enrollment.paths])

    def attempt(self, roster: Roster, test: Test) -> Decisions:
        """Decide a recording's attempts. Raises `EvaluationError` for a file that cannot be read, `ConditionError` for such a noise."""
        config = self.setting.config
        heard = hear(self.sound(test.path), self.encoder, config.vad, self._enough, config.decision.pause_seconds)
        return self._replay_of(roster).decide(heard, test.own)

    def sound(self, path: Path) -> Waveform:
        """Return a recording under the setting's condition. Raises as `attempt` does."""
        condition, waveform = self.setting.condition, read(path)
        return condition.apply(waveform, random_of(path)) if condition else waveform

    def _replay_of(self, roster: Roster) -> Replay:
        if self._replay is None or self._replay[0] != roster.corpus:
            self._replay = roster.corpus, Replay(roster.speakers, self.setting.config.decision, self.setting.calibration)
        return self._replay[1]


def read(path: Path) -> Waveform:
    """Return a recording, mono at 16 kHz in [-1, 1]. Raises `EvaluationError` where it cannot be read."""
    try:
        return read_audio(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from None


class Workers(Protocol):
    """Applies a method of a bench to many things, in order."""

    def __call__(self, method: Callable[[Bench, Given], Made], things: Sequence[Given], doing: str = "") -> Iterator[Made]:
        """Yield what comes of each. doing: what somebody at a terminal is told of meanwhile."""
        ...


@contextmanager
def workers(setting: Setting, jobs: int) -> Iterator[Workers]:
    """Start `jobs` processes, or none for 1; what they make does not depend on how many they are."""
    if jobs == 1:
        yield _Here(Bench(setting))
        return
    # Forked threads of a numeric library deadlock; fresh processes do not.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(setting,)) as pool:
        yield _There(pool)


class _Here:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __call__(self, method: Callable[[Bench, Given], Made], things: Sequence[Given], doing: str = "") -> Iterator[Made]:
        yield from _told(map(partial(method, self._bench), things), len(things), doing)


_CHUNK: Final = 8
_benches: Final[list[Bench]] = []
"""That of a worker process."""


class _There:
    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def __call__(self, method: Callable[[Bench, Given], Made], things: Sequence[Given], doing: str = "") -> Iterator[Made]:
        yield from _told(self._pool.map(partial(_on_bench, method), things, chunksize=_CHUNK), len(things), doing)


def _told(made: Iterator[Made], total: int, doing: str) -> Iterator[Made]:
    """Show how far it is, at a terminal."""
    yield from track(made, description=doing, total=total, console=Console(stderr=True), disable=not sys.stderr.isatty())


def _start(setting: Setting) -> None:
    # Read by the numeric libraries when they start threads.
    os.environ["OMP_NUM_THREADS"] = "1"
    _benches.append(Bench(setting))


def _on_bench(method: Callable[[Bench, Given], Made], thing: Given) -> Made:
    return method(_benches[0], thing)
