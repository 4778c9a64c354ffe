from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.errors import StorageError
from daemon.store.database import Database

SCHEMA = ("CREATE TABLE words (word TEXT) STRICT",)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "words.sqlite3"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    with closing(open_database(file)) as opened:
        yield opened


def open_database(file: Path) -> Database:
    return Database(file, application=7, version=3, schema=SCHEMA)


def add(database: Database, word: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO words VALUES (?)", (word,))


def words(database: Database) -> list[str]:
    with database.reading() as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


def sql(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement)


def test_what_is_written_is_there_after_reopening(file: Path, database: Database) -> None:
    add(database, "one")
    database.close()
    with closing(open_database(file)) as again:
        assert words(again) == ["one"]


def test_a_transaction_that_fails_changes_nothing(database: Database) -> None:
    with pytest.raises(StorageError), database.transaction() as connection:
        connection.execute("INSERT INTO words SELECT 'one' UNION ALL SELECT abs(-9223372036854775808)")
    add(database, "two")
    assert words(database) == ["two"]


def test_an_error_of_sqlite_is_one_of_ours(file: Path, database: Database) -> None:
    with pytest.raises(StorageError, match=f"{file} cannot be used: no such table"), database.reading() as connection:
        connection.execute("SELECT * FROM sentences")


def test_after_a_change_everything_is_in_the_database_itself(file: Path, database: Database) -> None:
    add(database, "Unmistakable")
    assert b"Unmistakable" in file.read_bytes()
    assert file.with_name(f"{file.name}-wal").stat().st_size == 0


def test_what_is_deleted_is_overwritten(file: Path, database: Database) -> None:
    add(database, "Unmistakable")
    with database.transaction() as connection:
        connection.execute("DELETE FROM words")
    assert b"Unmistakable" not in file.read_bytes()


def test_a_change_by_another_process_is_noticed(file: Path, database: Database) -> None:
    before = database.changes()
    assert database.changes() == before
    with closing(open_database(file)) as other:
        add(other, "one")
    assert database.changes() != before


def test_only_the_user_can_read_it(file: Path, database: Database) -> None:
    add(database, "one")
    database.close()
    file.chmod(0o644)
    with closing(open_database(file)) as again:
        add(again, "two")
        assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}


NEWER = ("CREATE TABLE words (word TEXT, language TEXT) STRICT",)
STEPS = {3: ["ALTER TABLE words ADD COLUMN tongue TEXT"], 4: ["ALTER TABLE words RENAME COLUMN tongue TO language"]}


def test_an_older_database_is_brought_up_to_date(file: Path, database: Database) -> None:
    add(database, "one")
    database.close()
    with closing(Database(file, 7, 5, NEWER, STEPS)) as newer, newer.transaction() as connection:
        connection.execute("INSERT INTO words VALUES ('eins', 'de')")
    with closing(Database(file, 7, 5, NEWER)) as again, again.reading() as connection:
        assert connection.execute("SELECT * FROM words").fetchall() == [("one", None), ("eins", "de")]


def test_a_migration_that_fails_leaves_the_database_as_it_was(file: Path, database: Database) -> None:
    add(database, "one")
    database.close()
    with pytest.raises(StorageError, match="cannot be used"):
        Database(file, 7, 5, NEWER, {**STEPS, 4: ["ALTER TABLE sentences ADD COLUMN language TEXT"]})
    with closing(open_database(file)) as again:
        assert words(again) == ["one"]


@pytest.mark.parametrize("steps", [{}, {4: STEPS[4]}])
def test_a_database_that_is_too_old_is_refused(file: Path, database: Database, steps: dict[int, list[str]]) -> None:
    database.close()
    with pytest.raises(StorageError, match="schema version 3, this speakerd reads 5"):
        Database(file, 7, 5, NEWER, steps)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("PRAGMA user_version = 4", "schema version 4, this speakerd reads 3"),
        ("PRAGMA application_id = 5", "is not a database of speakerd"),
    ],
)
def test_other_databases_are_refused(file: Path, database: Database, statement: str, expected: str) -> None:
    database.close()
    sql(file, statement)
    with pytest.raises(StorageError, match=expected):
        open_database(file)


def test_a_database_of_another_program_is_left_as_it_is(file: Path) -> None:
    sql(file, "CREATE TABLE precious (thing TEXT)")
    with pytest.raises(StorageError, match="is not a database of speakerd"):
        open_database(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("precious",)]


def test_a_file_that_is_no_database_is_refused(file: Path) -> None:
    file.write_bytes(b"x" * 8192)
    with pytest.raises(StorageError, match="not a database"):
        open_database(file)


def test_a_damaged_database_is_refused(file: Path, database: Database) -> None:
    for word in range(300):
        add(database, f"{word}" * 20)
    database.close()
    content = bytearray(file.read_bytes())
    content[-4096:-2048] = bytes([0xFF]) * 2048
    file.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged"):
        open_database(file)


def test_a_place_where_no_file_can_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(tmp_path)
