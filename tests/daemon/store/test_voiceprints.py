from __future__ import annotations

import json
import sqlite3
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daemon.config import LimitsConfig
from daemon.errors import (
    SpeakerdError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    StorageError,
    StorageFullError,
    StorageKeyError,
    TooManyRecordingsError,
    TooManySpeakersError,
    WrongModelError,
)
from daemon.store.voiceprints import DATABASE, SaveMode, VoiceprintStore
from tests.daemon import saving
from tests.daemon.templates import MODEL, same, template

SAVING = [sys.executable, "-m", "tests.daemon.saving"]
LIMITS = LimitsConfig(speakers=3, recordings=4)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VoiceprintStore]:
    with closing(open_store(tmp_path)) as opened:
        yield opened


def open_store(directory: Path) -> VoiceprintStore:
    return VoiceprintStore(directory / "data", directory / "data" / "voiceprints.key", LIMITS)


def sql(directory: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(directory / "data" / DATABASE, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def stored_bytes(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (directory / "data").iterdir())


def names(store: VoiceprintStore) -> list[str]:
    return [speaker.name for speaker in store.speakers()]


def test_a_new_store_is_empty(store: VoiceprintStore) -> None:
    assert store.speakers() == ()


def test_what_is_saved_comes_back(store: VoiceprintStore) -> None:
    saved = store.save("Anna", [template(1), template(2)], SaveMode.CREATE)
    assert saved == store.get("Anna") == store.speakers()[0]
    assert [same(kept, template(seed)) for seed, kept in enumerate(saved.templates, start=1)] == [True, True]
    assert saved.created == saved.updated


def test_what_is_saved_outlives_the_process(tmp_path: Path, store: VoiceprintStore) -> None:
    saved = store.save("Anna", [template(1)], SaveMode.CREATE)
    store.close()
    with closing(open_store(tmp_path)) as again:
        assert (again.get("Anna").created, again.get("Anna").updated) == (saved.created, saved.updated)
        assert same(again.get("Anna").templates[0], template(1))


def test_speakers_come_by_name(store: VoiceprintStore) -> None:
    for name in ("Zoë", "Ben", "anna"):
        store.save(name, [template(1)], SaveMode.CREATE)
    assert names(store) == ["Ben", "Zoë", "anna"]


def test_create_refuses_a_name_that_is_taken(store: VoiceprintStore) -> None:
    before = store.save("Anna", [template(1)], SaveMode.CREATE)
    with pytest.raises(SpeakerExistsError, match="'Anna' is enrolled already"):
        store.save("Anna", [template(2)], SaveMode.CREATE)
    assert store.get("Anna") == before


def test_replace_forgets_what_was_there(store: VoiceprintStore) -> None:
    before = store.save("Anna", [template(1, "old"), template(2, "old")], SaveMode.CREATE)
    after = store.save("Anna", [template(3)], SaveMode.REPLACE)
    assert [same(kept, template(3)) for kept in after.templates] == [True]
    assert after.created > before.created


def test_replace_makes_a_new_speaker_too(store: VoiceprintStore) -> None:
    assert len(store.save("Anna", [template(1)], SaveMode.REPLACE).templates) == 1


def test_add_keeps_what_was_there(store: VoiceprintStore) -> None:
    before = store.save("Anna", [template(1)], SaveMode.CREATE)
    after = store.save("Anna", [template(2), template(3)], SaveMode.ADD)
    assert [same(kept, template(seed)) for seed, kept in enumerate(after.templates, start=1)] == [True] * 3
    assert (after.created, after.updated > before.updated) == (before.created, True)


def test_each_save_is_a_session(tmp_path: Path, store: VoiceprintStore) -> None:
    store.save("Anna", [template(1), template(2)], SaveMode.CREATE)
    store.save("Anna", [template(3)], SaveMode.ADD)
    store.close()
    with closing(open_store(tmp_path)) as again:
        assert [each.session for each in again.get("Anna").templates] == [0, 0, 1]
        replaced = again.save("Anna", [template(4)], SaveMode.REPLACE)
        assert [each.session for each in replaced.templates] == [0]


def test_a_session_cannot_be_altered(tmp_path: Path, store: VoiceprintStore) -> None:
    store.save("Anna", [template(1)], SaveMode.CREATE)
    sql(tmp_path, "UPDATE templates SET session = 1")
    with pytest.raises(StorageError, match="'Anna' was altered"):
        store.get("Anna")


def test_what_is_learned_is_kept_apart_from_what_was_enrolled(tmp_path: Path, store: VoiceprintStore) -> None:
    before = store.save("Anna", [template(1), template(2)], SaveMode.CREATE)
    store.adapt(before, template(3), most=2)
    store.close()
    with closing(open_store(tmp_path)) as again:
        after = again.get("Anna")
    assert [same(kept, template(seed)) for seed, kept in enumerate(after.templates, start=1)] == [True, True]
    assert [same(kept, template(3)) for kept in after.adapted] == [True]
    assert (after.created, after.updated) == (before.created, before.updated)


def test_the_newest_of_what_is_learned_is_kept(store: VoiceprintStore) -> None:
    anna = store.save("Anna", [template(1)], SaveMode.CREATE)
    for seed in range(10, 15):
        store.adapt(store.get("Anna"), template(seed), most=3)
    assert [same(kept, template(seed)) for seed, kept in enumerate(store.get("Anna").adapted, start=12)] == [True] * 3
    store.adapt(anna, template(15), most=1)
    assert [same(kept, template(15)) for kept in store.get("Anna").adapted] == [True]


def test_what_is_learned_can_be_forgotten_without_a_trace(tmp_path: Path, store: VoiceprintStore) -> None:
    before = store.save("Anna", [template(1)], SaveMode.CREATE)
    store.adapt(before, template(2), most=2)
    [(sealed,)] = sql(tmp_path, "SELECT sealed FROM adapted")
    assert store.reset("Anna").adapted == ()
    assert [same(kept, template(1)) for kept in store.reset("Anna").templates] == [True]
    assert isinstance(sealed, bytes)
    assert sealed[:64] not in stored_bytes(tmp_path)
    with pytest.raises(SpeakerNotFoundError):
        store.reset("Ben")


@pytest.mark.parametrize("mode", [SaveMode.REPLACE, SaveMode.ADD])
def test_nothing_is_learned_of_who_was_enrolled_anew_meanwhile(store: VoiceprintStore, mode: SaveMode) -> None:
    before = store.save("Anna", [template(1)], SaveMode.CREATE)
    store.save("Anna", [template(2)], mode)
    with pytest.raises(SpeakerNotFoundError):
        store.adapt(before, template(3), most=2)
    assert store.get("Anna").adapted == ()


def test_what_was_learned_outlives_more_recordings_but_not_other_ones(store: VoiceprintStore) -> None:
    store.adapt(store.save("Anna", [template(1)], SaveMode.CREATE), template(2), most=2)
    assert len(store.save("Anna", [template(3)], SaveMode.ADD).adapted) == 1
    assert store.save("Anna", [template(4)], SaveMode.REPLACE).adapted == ()


def test_what_is_learned_is_no_recording(store: VoiceprintStore) -> None:
    anna = store.save("Anna", [template(seed) for seed in range(3)], SaveMode.CREATE)
    for seed in range(10, 14):
        store.adapt(anna, template(seed), most=4)
    assert len(store.save("Anna", [template(4)], SaveMode.ADD).templates) == 4


def test_add_needs_somebody(store: VoiceprintStore) -> None:
    with pytest.raises(SpeakerNotFoundError, match="nobody is enrolled as 'Anna'"):
        store.save("Anna", [template(1)], SaveMode.ADD)
    assert store.speakers() == ()


def test_add_needs_the_same_model(store: VoiceprintStore) -> None:
    store.save("Anna", [template(1, "old")], SaveMode.CREATE)
    with pytest.raises(WrongModelError, match="model old, the daemon runs fake-1"):
        store.save("Anna", [template(1)], SaveMode.ADD)


def test_speakers_are_limited(store: VoiceprintStore) -> None:
    for name in ("Anna", "Ben", "Carl"):
        store.save(name, [template(1)], SaveMode.CREATE)
    with pytest.raises(TooManySpeakersError, match="3 speakers are enrolled"):
        store.save("Dora", [template(1)], SaveMode.REPLACE)
    store.save("Carl", [template(1)], SaveMode.REPLACE)
    assert names(store) == ["Anna", "Ben", "Carl"]


def test_recordings_of_a_speaker_are_limited(store: VoiceprintStore) -> None:
    with pytest.raises(TooManyRecordingsError, match="that makes 5 recordings of 'Anna': at most 4"):
        store.save("Anna", [template(seed) for seed in range(5)], SaveMode.CREATE)
    store.save("Anna", [template(seed) for seed in range(4)], SaveMode.CREATE)
    with pytest.raises(TooManyRecordingsError, match="that makes 5 recordings"):
        store.save("Anna", [template(5)], SaveMode.ADD)
    assert len(store.get("Anna").templates) == 4


@pytest.mark.parametrize(
    ("name", "model_id", "recordings", "mode", "error"),
    [
        ("Anna", MODEL, 1, SaveMode.CREATE, SpeakerExistsError),
        ("Ben", MODEL, 1, SaveMode.ADD, SpeakerNotFoundError),
        ("Anna", "other", 1, SaveMode.ADD, WrongModelError),
        ("Anna", MODEL, 4, SaveMode.ADD, TooManyRecordingsError),
    ],
)
def test_a_check_tells_what_saving_would(
    store: VoiceprintStore, name: str, model_id: str, recordings: int, mode: SaveMode, error: type[SpeakerdError]
) -> None:
    store.save("Anna", [template(1)], SaveMode.CREATE)
    with pytest.raises(error):
        store.check(name, model_id, recordings, mode)


def test_a_check_changes_nothing(store: VoiceprintStore) -> None:
    store.check("Anna", MODEL, 1, SaveMode.CREATE)
    assert store.speakers() == ()


def test_who_is_deleted_is_gone(store: VoiceprintStore) -> None:
    store.save("Anna", [template(1)], SaveMode.CREATE)
    store.delete("Anna")
    with pytest.raises(SpeakerNotFoundError):
        store.get("Anna")
    with pytest.raises(SpeakerNotFoundError):
        store.delete("Anna")


def test_every_change_is_told_to_listeners(store: VoiceprintStore) -> None:
    heard: list[list[str]] = []

    def listen() -> None:
        heard.append(names(store))

    store.add_listener(listen)
    store.save("Anna", [template(1)], SaveMode.CREATE)
    store.save("Anna", [template(2)], SaveMode.ADD)
    with pytest.raises(SpeakerExistsError):
        store.save("Anna", [template(3)], SaveMode.CREATE)
    store.adapt(store.get("Anna"), template(4), most=1)
    store.reset("Anna")
    store.delete("Anna")
    store.remove_listener(listen)
    store.save("Ben", [template(4)], SaveMode.CREATE)
    assert heard == [["Anna"], ["Anna"], ["Anna"], ["Anna"], []]


def test_deleting_leaves_no_trace(tmp_path: Path, store: VoiceprintStore) -> None:
    store.save("Anna Unmistakable", [template(1), template(2)], SaveMode.CREATE)
    sealed = [row[0] for row in sql(tmp_path, "SELECT sealed FROM templates")]
    assert all(isinstance(each, bytes) and each in stored_bytes(tmp_path) for each in sealed)
    store.delete("Anna Unmistakable")
    assert not any(isinstance(each, bytes) and each[:64] in stored_bytes(tmp_path) for each in sealed)
    assert b"Unmistakable" not in stored_bytes(tmp_path)


def test_replacing_leaves_no_trace(tmp_path: Path, store: VoiceprintStore) -> None:
    store.save("Anna", [template(1)], SaveMode.CREATE)
    [(sealed,)] = sql(tmp_path, "SELECT sealed FROM templates")
    store.save("Anna", [template(1)], SaveMode.REPLACE)
    assert isinstance(sealed, bytes)
    assert sealed[:64] not in stored_bytes(tmp_path)


FIRST_SCHEMA = (
    "CREATE TABLE key (proof BLOB NOT NULL) STRICT",
    "CREATE TABLE speakers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL, updated TEXT NOT NULL) STRICT",
    """CREATE TABLE templates (
        speaker INTEGER NOT NULL REFERENCES speakers ON DELETE CASCADE, position INTEGER NOT NULL, model_id TEXT NOT NULL,
        sealed BLOB NOT NULL, PRIMARY KEY (speaker, position)
    ) STRICT, WITHOUT ROWID""",
    f"PRAGMA application_id = {int.from_bytes(b'spkd', 'big')}",
    "PRAGMA user_version = 1",
)


def write_first_version(directory: Path, count: int) -> None:
    """Write what version 1 kept of Anna with templates 0 to `count` - 1, and its key."""
    (directory / "data").mkdir(parents=True)
    key = directory / "data" / "voiceprints.key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    cipher = AESGCM(key.read_bytes())

    def seal(content: bytes, place: bytes) -> bytes:
        return bytes(12) + cipher.encrypt(bytes(12), content, place)

    with closing(sqlite3.connect(directory / "data" / DATABASE, isolation_level=None)) as connection:
        for statement in FIRST_SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO key VALUES (?)", (seal(b"", b"speakerd key"),))
        connection.execute("INSERT INTO speakers VALUES (1, 'Anna', '2026-01-01T00:00:00+00:00', '2026-01-02T00:00:00+00:00')")
        for position in range(count):
            kept = template(position)
            content = struct.pack("<Qddd", kept.evidence.speech, 21.5, 0.01, 7_200.0) + kept.embedding.astype("<f4").tobytes()
            row = (position, MODEL, seal(content, json.dumps(["Anna", MODEL, position]).encode()))
            connection.execute("INSERT INTO templates VALUES (1, ?, ?, ?)", row)


def test_voiceprints_of_version_1_are_kept(tmp_path: Path) -> None:
    write_first_version(tmp_path, 2)
    for _ in range(2):
        with closing(open_store(tmp_path)) as store:
            anna = store.get("Anna")
            assert [same(kept, template(seed)) for seed, kept in enumerate(anna.templates)] == [True, True]
            assert (anna.updated, anna.sessions, anna.adapted) == (datetime(2026, 1, 2, tzinfo=UTC), 1, ())
    with closing(open_store(tmp_path)) as store:
        store.adapt(store.get("Anna"), template(7), most=2)
        more = store.save("Anna", [template(8)], SaveMode.ADD)
    assert ([each.session for each in more.templates], len(more.adapted)) == ([0, 0, 1], 1)
    assert sql(tmp_path, "PRAGMA user_version") == [(2,)]


def test_a_migrated_database_is_like_a_new_one(tmp_path: Path, store: VoiceprintStore) -> None:
    write_first_version(old := tmp_path / "old", 1)
    open_store(old).close()
    columns = (
        "SELECT t.name, c.name, c.type, c.[notnull], c.dflt_value, c.pk FROM pragma_table_list t, pragma_table_info(t.name) c ORDER BY 1, 2"
    )
    assert sql(old, columns) == sql(tmp_path, columns)
    assert store.speakers() == ()


def test_only_the_user_can_read_the_files(tmp_path: Path, store: VoiceprintStore) -> None:
    store.save("Anna", [template(1)], SaveMode.CREATE)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "data").iterdir()}
    assert {DATABASE, f"{DATABASE}-wal", "voiceprints.key"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_database_open_to_others_is_closed_to_them(tmp_path: Path, store: VoiceprintStore) -> None:
    store.close()
    (tmp_path / "data" / DATABASE).chmod(0o644)
    open_store(tmp_path).close()
    assert stat.S_IMODE((tmp_path / "data" / DATABASE).stat().st_mode) == 0o600


def test_another_process_is_noticed(tmp_path: Path, store: VoiceprintStore) -> None:
    assert store.speakers() == ()
    with closing(open_store(tmp_path)) as other:
        other.save("Anna", [template(1)], SaveMode.CREATE)
        assert names(store) == ["Anna"]
        store.delete("Anna")
        assert other.speakers() == ()


def test_threads_share_the_store(store: VoiceprintStore) -> None:
    taken: list[str] = []

    def enroll(number: int) -> None:
        try:
            store.save("Anna", [template(number)], SaveMode.CREATE)
        except SpeakerExistsError:
            taken.append("Anna")

    threads = [threading.Thread(target=enroll, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), names(store)) == (7, ["Anna"])


def test_a_lost_key_is_never_made_anew(tmp_path: Path, store: VoiceprintStore) -> None:
    store.close()
    (tmp_path / "data" / "voiceprints.key").unlink()
    with pytest.raises(StorageKeyError, match="is missing: restore it"):
        open_store(tmp_path)
    assert not (tmp_path / "data" / "voiceprints.key").exists()


def test_another_key_is_refused(tmp_path: Path, store: VoiceprintStore) -> None:
    store.close()
    (tmp_path / "data" / "voiceprints.key").write_bytes(bytes(32))
    with pytest.raises(StorageKeyError, match="restore the right one"):
        open_store(tmp_path)


def test_a_key_may_be_elsewhere(tmp_path: Path) -> None:
    VoiceprintStore(tmp_path / "data", tmp_path / "key", LIMITS).close()
    assert (tmp_path / "key").exists()
    assert not (tmp_path / "data" / "voiceprints.key").exists()


def test_an_altered_voiceprint_is_refused_until_it_is_deleted(tmp_path: Path, store: VoiceprintStore) -> None:
    store.save("Anna", [template(1)], SaveMode.CREATE)
    store.save("Ben", [template(2)], SaveMode.CREATE)
    sql(tmp_path, "UPDATE templates SET sealed = zeroblob(828) WHERE speaker = (SELECT id FROM speakers WHERE name = 'Anna')")
    with pytest.raises(StorageError, match="'Anna' was altered on disk: delete 'Anna' and enroll again"):
        store.speakers()
    store.delete("Anna")
    assert names(store) == ["Ben"]


def test_a_voiceprint_cannot_be_given_to_another(tmp_path: Path, store: VoiceprintStore) -> None:
    store.save("Anna", [template(1)], SaveMode.CREATE)
    store.save("Ben", [template(2)], SaveMode.CREATE)
    sql(tmp_path, "UPDATE templates SET sealed = (SELECT sealed FROM templates WHERE speaker = 1) WHERE speaker = 2")
    with pytest.raises(StorageError, match="'Ben' was altered"):
        store.get("Anna")


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be made"):
        open_store(tmp_path)


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class SmallConnection(sqlite3.Connection):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            self.execute("PRAGMA max_page_count = 10")

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=SmallConnection))
    with closing(saving.open_store(tmp_path)) as store:
        before = store.save("Anna", [template(1), template(2)], SaveMode.CREATE)
        with pytest.raises(StorageFullError, match="no space is left"):
            store.save("Ben", saving.templates(1), SaveMode.CREATE)
        with pytest.raises(StorageFullError, match="nothing was changed"):
            store.save("Anna", saving.templates(1), SaveMode.REPLACE)
        assert store.speakers() == (before,)
        store.delete("Anna")
        assert store.speakers() == ()


def generation(directory: Path) -> int:
    """Return the generation of the enrollment after a restart; check that it is there fully, or not at all."""
    with closing(saving.open_store(directory)) as store:
        kept = [(len(speaker.templates), {each.evidence.speech for each in speaker.templates}) for speaker in store.speakers()]
    if not kept:
        return 0
    [(count, generations)] = kept
    assert (count, len(generations)) == (saving.TEMPLATES, 1)
    return generations.pop()


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.007, 0.015, 0.031])
def test_killed_while_it_saves_the_store_is_intact(tmp_path: Path, delay: float) -> None:
    process = subprocess.Popen([*SAVING, "forever", tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    reported = [int(process.stdout.readline()) for _ in range(3)]
    time.sleep(delay)
    process.kill()
    reported += [int(line) for line in process.communicate()[0].splitlines()]
    assert generation(tmp_path) in {reported[-1], reported[-1] + 1}


def test_killed_before_any_statement_the_speaker_is_enrolled_fully_or_not_at_all(tmp_path: Path) -> None:
    subprocess.run([*SAVING, "once", tmp_path], check=True)
    found = [generation(tmp_path / str(statement)) for statement in range(len(list(tmp_path.iterdir())))]
    assert len(found) > saving.TEMPLATES
    assert found == sorted(found)
    assert set(found) == {0, 1}
