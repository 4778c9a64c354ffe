"""Who is enrolled and what is streamed in the demo, from a directory of recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

from clients.errors import DemoDataError
from clients.files import duration
from clients.messages import Outcome

SHIPPED: Final = Path(__file__).parent.parent / "voices"
"""The synthetic voices that come with the project, in the layout that `make_plan` reads."""

NOISE: Final = "noise"
ENROLLED: Final = 3
"""Recordings that enroll a voice."""
_SUFFIXES: Final = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3"})


@dataclass(frozen=True, slots=True)
class Enrollment:
    """Recordings that make a voice known as `speaker`."""

    speaker: str
    recordings: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """A recording that is streamed against the owner's claim, and what should come of it."""

    name: str
    expected: Outcome
    recording: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """The demo. The first enrollment is the owner's."""

    enrollments: tuple[Enrollment, ...]
    streams: tuple[Stream, ...]

    @property
    def owner(self) -> str:
        """The speaker that every stream claims to be."""
        return self.enrollments[0].speaker


def make_plan(directory: Path) -> Plan:
    """Assign the roles: every directory below that holds audio files is a voice, sorted by path.

    The first with four recordings or more is the owner, the second the other enrolled voice, the one after that a stranger. Three
    recordings enroll, the longest of the others is streamed. A directory called `noise` gives the noise, else it is the
    shipped one. Raises `DemoDataError` if that is not enough for the roles, `AudioFileError` if a file cannot be read.
    """
    voices = (files for path, files in _recordings(directory) if path.name != NOISE)
    enrolled = list(islice((files for files in voices if len(files) > ENROLLED), 2))
    stranger = next(voices, None)
    if stranger is None:
        raise DemoDataError(
            f"{directory} does not suffice: the demo needs two directories of at least {ENROLLED + 1} recordings "
            f"({', '.join(sorted(_SUFFIXES))}) each, and after them in the order of their paths one of at least one recording"
        )
    owner, other = enrolled
    return Plan(
        enrollments=(Enrollment("owner", tuple(owner[:ENROLLED])), Enrollment("other", tuple(other[:ENROLLED]))),
        streams=(
            Stream("owner", Outcome.ACCEPT, _longest(owner[ENROLLED:])),
            Stream("other", Outcome.REJECT, _longest(other[ENROLLED:])),
            Stream("stranger", Outcome.REJECT, _longest(stranger)),
            Stream("noise", Outcome.UNDECIDED, _noise(directory)),
        ),
    )


def _recordings(directory: Path) -> Iterator[tuple[Path, list[Path]]]:
    for path in sorted([directory, *(path for path in directory.rglob("*") if path.is_dir())]):
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())
        if files:
            yield path, files


def _noise(directory: Path) -> Path:
    everywhere = chain(_recordings(directory), _recordings(SHIPPED))
    return next(files[0] for path, files in everywhere if path.name == NOISE)


def _longest(files: Sequence[Path]) -> Path:
    return max(files, key=duration)
