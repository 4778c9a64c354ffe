"""The tables that voiceprints are kept in, their versions, and what is asked of them; `daemon.store.voiceprints` seals what they hold."""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from daemon.errors import SpeakerNotFoundError
from daemon.store.sealing import ADAPTED

APPLICATION: Final = int.from_bytes(b"spkd", "big")
VERSION: Final = 2
_ADAPTED_TABLE: Final = """CREATE TABLE adapted (
    speaker INTEGER NOT NULL REFERENCES speakers ON DELETE CASCADE, position INTEGER NOT NULL, model_id TEXT NOT NULL,
    sealed BLOB NOT NULL, PRIMARY KEY (speaker, position)
) STRICT, WITHOUT ROWID"""
SCHEMA: Final = (
    "CREATE TABLE key (proof BLOB NOT NULL) STRICT",
    "CREATE TABLE speakers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL, updated TEXT NOT NULL) STRICT",
    """CREATE TABLE templates (
        speaker INTEGER NOT NULL REFERENCES speakers ON DELETE CASCADE, position INTEGER NOT NULL, model_id TEXT NOT NULL,
        sealed BLOB NOT NULL, session INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (speaker, position)
    ) STRICT, WITHOUT ROWID""",
    _ADAPTED_TABLE,
)
MIGRATIONS: Final = {1: ("ALTER TABLE templates ADD COLUMN session INTEGER NOT NULL DEFAULT 0", _ADAPTED_TABLE)}
"""Version 1 knew neither sessions nor adaptation."""
_ROWS: Final = """SELECT name, created, updated, position, model_id, sealed, session FROM speakers JOIN (
    SELECT speaker, position, model_id, sealed, session FROM templates
    UNION ALL SELECT speaker, position, model_id, sealed, ? FROM adapted
) ON speaker = id ORDER BY name, session, position"""

Row = tuple[str, str, str, int, str, bytes, int]
"""A template: name, created and updated of the speaker; position, model, what is sealed, session or `ADAPTED`."""


class Enrolled(NamedTuple):
    """Who is enrolled under a name, and in what way."""

    id: int
    updated: str
    model_id: str
    recordings: int


def find(connection: sqlite3.Connection, name: str) -> Enrolled | None:
    """Return how `name` is enrolled; None if it is not."""
    query = "SELECT id, updated, model_id, count(*) FROM speakers JOIN templates ON speaker = id WHERE name = ? GROUP BY id"
    row = connection.execute(query, (name,)).fetchone()
    return None if row is None else Enrolled(*row)


def get(connection: sqlite3.Connection, name: str) -> Enrolled:
    """Return how `name` is enrolled. Raises `SpeakerNotFoundError`."""
    if enrolled := find(connection, name):
        return enrolled
    raise not_found(name)


def count_speakers(connection: sqlite3.Connection) -> int:
    """Return how many are enrolled."""
    (count,) = connection.execute("SELECT count(*) FROM speakers").fetchone()
    return int(count)


def forget(connection: sqlite3.Connection, name: str) -> bool:
    """Delete a speaker and everything of them; return whether they were enrolled."""
    return connection.execute("DELETE FROM speakers WHERE name = ?", (name,)).rowcount > 0


def rows(connection: sqlite3.Connection) -> list[Row]:
    """Return all templates, by name, session and position."""
    return connection.execute(_ROWS, (ADAPTED,)).fetchall()


def not_found(name: str) -> SpeakerNotFoundError:
    """Return the error about someone who is not enrolled."""
    return SpeakerNotFoundError(f"nobody is enrolled as {name!r}: list the speakers to see who is", speaker=name)
