"""What was heard in the last minutes, for the strip at the bottom of the screen: a column for each half second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from clients.capture_messages import Level
from clients.messages import Decision

COLUMN_SECONDS: Final = 0.5
COLUMNS: Final = 400
"""More than a terminal is wide."""
QUIET: Final = -60.0
"""In dBFS: where meters begin."""


@dataclass(frozen=True, slots=True)
class Column:
    """Half a second: the highest level in it, in dBFS, and whether someone spoke."""

    rms_dbfs: float = QUIET
    speech: bool = False

    def with_level(self, level: Level) -> Self:
        """Return the column with another level of its half second."""
        return replace(self, rms_dbfs=max(self.rms_dbfs, level.rms_dbfs), speech=self.speech or level.speech)


@dataclass(frozen=True, slots=True)
class Mark:
    """A final decision, in the column that counts so many from the beginning of the audio."""

    column: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class History:
    """The last columns, and the decisions in them. newest: the number of the last column, from the beginning of the audio."""

    columns: tuple[Column, ...] = ()
    marks: tuple[Mark, ...] = ()
    newest: int = -1

    def heard(self, at: float, level: Level) -> History:
        """Return the history with a level at that second of the audio."""
        history = self._until(at)
        return replace(history, columns=(*history.columns[:-1], history.columns[-1].with_level(level)))

    def decided(self, at: float, decision: Decision) -> History:
        """Return the history with a final decision at that second of the audio."""
        history = self._until(at)
        return replace(history, marks=(*history.marks, Mark(history.newest, decision)))

    def _until(self, at: float) -> History:
        """Return the history with a column for `at`, from nothing if the audio has begun anew."""
        number = int(at / COLUMN_SECONDS)
        if number < self.newest:
            return History((Column(),), (), number)
        added = min(number - self.newest, COLUMNS)
        columns = (*self.columns, *[Column()] * added)[-COLUMNS:]
        return History(columns, tuple(mark for mark in self.marks if mark.column > number - COLUMNS), number)
