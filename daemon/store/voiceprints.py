"""Voiceprints at rest: who is enrolled, in a database whose templates are encrypted.

Every change is one transaction: after a crash at any moment a speaker is there fully or not at all.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from operator import itemgetter
from pathlib import Path
from typing import Final

from daemon.config import LimitsConfig
from daemon.errors import (
    SpeakerExistsError,
    StorageError,
    StorageKeyError,
    TooManyRecordingsError,
    TooManySpeakersError,
    WrongModelError,
)
from daemon.speakers import Speaker, Template
from daemon.store import tables
from daemon.store.database import Database
from daemon.store.sealing import ADAPTED, Place, Seal, SealBrokenError, create_key, read_key

DATABASE: Final = "voiceprints.sqlite3"


class SaveMode(Enum):
    """What becomes of what is enrolled under a name; the names are those of the API."""

    CREATE = "CREATE"
    REPLACE = "REPLACE"
    ADD = "ADD"


class VoiceprintStore:
    """The enrolled speakers, for any number of threads.

    Raises `StorageError` if the database cannot be opened, `StorageKeyError` if its key is missing, is not the one it was written
    with, or is open to other users. A key is made only along with a new database.
    """

    def __init__(self, directory: Path, key_file: Path, limits: LimitsConfig) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._known: dict[str, Speaker] | None = None
        self._known_at = 0
        self._listeners: set[Callable[[], None]] = set()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{directory} cannot be made: {error.strerror}") from None
        if not (directory / DATABASE).exists():
            create_key(key_file)
        self._seal = Seal(read_key(key_file))
        self._database = Database(directory / DATABASE, tables.APPLICATION, tables.VERSION, tables.SCHEMA, tables.MIGRATIONS)
        self._prove_key(key_file)

    def close(self) -> None:
        """Close the database; the store cannot be used any more."""
        with self._lock:
            self._database.close()

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change, in the thread that makes it and before it is told that it is made."""
        self._listeners.add(listener)

    def remove_listener(self, listener: Callable[[], None]) -> None:
        """Call `listener` no more."""
        self._listeners.discard(listener)

    def speakers(self) -> tuple[Speaker, ...]:
        """Return all speakers, ordered by name. Raises `StorageError`."""
        with self._lock:
            return tuple(self._all().values())

    def get(self, name: str) -> Speaker:
        """Return the speaker called `name`. Raises `SpeakerNotFoundError`."""
        with self._lock:
            if speaker := self._all().get(name):
                return speaker
        raise tables.not_found(name)

    def check(self, name: str, model_id: str, recordings: int, mode: SaveMode) -> None:
        """Raise what `save` would raise for so many templates of that model; change nothing."""
        with self._lock, self._database.reading() as connection:
            self._check(connection, name, model_id, recordings, mode)

    def save(self, name: str, templates: Sequence[Template], mode: SaveMode) -> Speaker:
        """Keep `templates`, at least one and all of one model, under `name` as one session; return the speaker as they are now.

        Raises `SpeakerExistsError`, `SpeakerNotFoundError` if there is nobody to add to, `WrongModelError` if what is there is of
        another model, `TooManySpeakersError`, `TooManyRecordingsError`, `StorageFullError`; nothing is changed then.
        """
        with self._lock:
            with self._database.transaction() as connection:
                self._check(connection, name, templates[0].model_id, len(templates), mode)
                self._write(connection, name, templates, mode)
            self._known = None
        self._tell()
        return self.get(name)

    def adapt(self, speaker: Speaker, template: Template, most: int) -> None:
        """Let the voiceprint of `speaker` learn from an attempt of theirs; of what was learned, the newest `most` templates are kept.

        Raises `SpeakerNotFoundError` if they are not enrolled any more as they were, `StorageFullError`; nothing is changed then.
        """
        with self._lock:
            with self._database.transaction() as connection:
                self._adapt(connection, speaker, template, most)
            self._known = None
        self._tell()

    def reset(self, name: str) -> Speaker:
        """Forget what was learned of a speaker beyond what was enrolled; return them as they are now. Raises `SpeakerNotFoundError`."""
        with self._lock:
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM adapted WHERE speaker = ?", (tables.get(connection, name).id,))
            self._known = None
        self._tell()
        return self.get(name)

    def delete(self, name: str) -> None:
        """Forget a speaker and leave no trace of them in the files. Raises `SpeakerNotFoundError`."""
        with self._lock:
            with self._database.transaction() as connection:
                if not tables.forget(connection, name):
                    raise tables.not_found(name)
            self._known = None
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _check(self, connection: sqlite3.Connection, name: str, model_id: str, recordings: int, mode: SaveMode) -> None:
        enrolled = tables.find(connection, name)
        if enrolled is None and mode is SaveMode.ADD:
            raise tables.not_found(name)
        if enrolled is not None and mode is SaveMode.CREATE:
            raise SpeakerExistsError(
                f"{name!r} is enrolled already: choose another name, or replace or add to what is enrolled", speaker=name
            )
        if enrolled is None and (count := tables.count_speakers(connection)) >= self._limits.speakers:
            raise TooManySpeakersError(
                f"{count} speakers are enrolled: delete one, or raise limits.speakers", limit=str(self._limits.speakers)
            )
        if enrolled is not None and mode is SaveMode.ADD:
            recordings += enrolled.recordings
            if enrolled.model_id != model_id:
                raise WrongModelError(
                    f"{name!r} is enrolled with model {enrolled.model_id}, the daemon runs {model_id}: replace what is enrolled",
                    speaker=name,
                )
        if recordings > self._limits.recordings:
            raise TooManyRecordingsError(
                f"that makes {recordings} recordings of {name!r}: at most {self._limits.recordings} are kept (limits.recordings)",
                limit=str(self._limits.recordings),
            )

    def _write(self, connection: sqlite3.Connection, name: str, templates: Sequence[Template], mode: SaveMode) -> None:
        now = datetime.now(UTC).isoformat()
        if mode is SaveMode.REPLACE:
            tables.forget(connection, name)
        connection.execute(
            "INSERT INTO speakers (name, created, updated) VALUES (?1, ?2, ?2) ON CONFLICT (name) DO UPDATE SET updated = ?2", (name, now)
        )
        (speaker,) = connection.execute("SELECT id FROM speakers WHERE name = ?", (name,)).fetchone()
        query = "SELECT count(*), coalesce(max(session), -1) + 1 FROM templates WHERE speaker = ?"
        first, session = connection.execute(query, (speaker,)).fetchone()
        for position, template in enumerate(templates, start=first):
            sealed = self._seal.close(template, Place(name, template.model_id, position, session))
            connection.execute("INSERT INTO templates VALUES (?, ?, ?, ?, ?)", (speaker, position, template.model_id, sealed, session))

    def _adapt(self, connection: sqlite3.Connection, speaker: Speaker, template: Template, most: int) -> None:
        row = tables.get(connection, speaker.name)
        if row.updated != speaker.updated.isoformat():
            raise tables.not_found(speaker.name)
        query = "SELECT coalesce(max(position), -1) + 1 FROM adapted WHERE speaker = ?"
        (position,) = connection.execute(query, (row.id,)).fetchone()
        sealed = self._seal.close(template, Place(speaker.name, template.model_id, position, ADAPTED))
        connection.execute("INSERT INTO adapted VALUES (?, ?, ?, ?)", (row.id, position, template.model_id, sealed))
        connection.execute("DELETE FROM adapted WHERE speaker = ? AND position <= ?", (row.id, position - most))

    def _all(self) -> dict[str, Speaker]:
        changes = self._database.changes()
        if self._known is None or changes != self._known_at:
            self._known, self._known_at = self._load(), changes
        return self._known

    def _load(self) -> dict[str, Speaker]:
        with self._database.reading() as connection:
            rows = tables.rows(connection)
        return {name: self._speaker(list(group)) for name, group in itertools.groupby(rows, key=itemgetter(0))}

    def _speaker(self, rows: list[tables.Row]) -> Speaker:
        name, created, updated = rows[0][:3]
        try:
            templates = [(self._template(row), row[-1]) for row in rows]
        except SealBrokenError:
            raise StorageError(f"the voiceprint of {name!r} was altered on disk: delete {name!r} and enroll again", speaker=name) from None
        enrolled = tuple(template for template, session in templates if session != ADAPTED)
        adapted = tuple(template for template, session in templates if session == ADAPTED)
        return Speaker(name, enrolled, datetime.fromisoformat(created), datetime.fromisoformat(updated), adapted)

    def _template(self, row: tables.Row) -> Template:
        name, _, _, position, model_id, sealed, session = row
        return self._seal.open(sealed, Place(name, model_id, position, session))

    def _prove_key(self, key_file: Path) -> None:
        """Make sure that the key is that of the database; a new database is bound to its key here."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT proof FROM key").fetchone()
            if row is None:
                connection.execute("INSERT INTO key VALUES (?)", (self._seal.proof(),))
                return
        try:
            self._seal.verify(row[0])
        except SealBrokenError:
            raise StorageKeyError(f"{key_file} is not the key of the voiceprints beside which it is used: restore the right one") from None
