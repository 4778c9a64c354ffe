"""One SQLite database, set up so that a crash loses nothing and deleting leaves nothing; its errors as ours."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from daemon.errors import StorageError, StorageFullError

_SETTINGS: Final = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON")
_PRIMARY_CODE: Final = 0xFF
"""The part of an SQLite result code that names the kind of error."""


class Database:
    """A database file, which only the user can read. For one thread at a time.

    application: what it identifies itself with. schema: what makes an empty one, at version `version`. migrations: what makes one of
    version n + 1 of one of version n, by n; they happen all or not at all. Raises `StorageError` if the file is not such a database, or
    is damaged.
    """

    def __init__(
        self, path: Path, application: int, version: int, schema: Sequence[str], migrations: Mapping[int, Sequence[str]] | None = None
    ) -> None:
        self._path = path
        self._migrations = migrations or {}
        try:
            # SQLite gives its other files the permissions of this one.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
        except OSError as error:
            raise _full(path) if error.errno == errno.ENOSPC else StorageError(f"{path} cannot be opened: {error.strerror}") from None
        with self._reported():
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for setting in _SETTINGS:
                self._connection.execute(f"PRAGMA {setting}")
        with self.transaction() as connection:
            self._set_up(connection, application, version, schema)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for reading. Raises `StorageError`."""
        with self._reported():
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for changes that all happen, or none if the block or the disk fails.

        Raises `StorageFullError` or `StorageError`.
        """
        with self._reported():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        self._empty_log()

    def changes(self) -> int:
        """Return a number that differs after another process changed the database."""
        with self.reading() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _set_up(self, connection: sqlite3.Connection, application: int, version: int, schema: Sequence[str]) -> None:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if found == [0, 0] and not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            for statement in (*schema, f"PRAGMA application_id = {application}", f"PRAGMA user_version = {version}"):
                connection.execute(statement)
        elif found[0] != application:
            raise StorageError(f"{self._path} is not a database of speakerd: move it away, or set another storage.directory")
        elif not all(each in self._migrations for each in range(found[1], version)) or found[1] > version:
            raise StorageError(f"{self._path} has schema version {found[1]}, this speakerd reads {version}: run the version that wrote it")
        elif (damage := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise StorageError(f"{self._path} is damaged ({damage}): restore it from a backup")
        else:
            self._migrate(connection, found[1], version)

    def _migrate(self, connection: sqlite3.Connection, found: int, version: int) -> None:
        for each in range(found, version):
            for statement in self._migrations[each]:
                connection.execute(statement)
        if found != version:
            connection.execute(f"PRAGMA user_version = {version}")

    def _empty_log(self) -> None:
        """Move the change from the write-ahead log into the database: what was deleted is then in neither."""
        # The change itself is already safe. Should another process be reading, or the disk be full, the next change does it.
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE == sqlite3.SQLITE_FULL:
                raise _full(self._path) from None
            raise StorageError(f"{self._path} cannot be used: {error}") from error


def _full(path: Path) -> StorageFullError:
    return StorageFullError(f"no space is left for {path}: free some and try again; nothing was changed")
