from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.config import LimitsConfig
from daemon.errors import StorageError
from daemon.roster import Roster
from daemon.speakers import Speaker
from daemon.store.voiceprints import DATABASE, SaveMode, VoiceprintStore
from tests.daemon.templates import template


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VoiceprintStore]:
    with closing(VoiceprintStore(tmp_path, tmp_path / "key", LimitsConfig())) as opened:
        yield opened


@contextmanager
def roster_of(store: VoiceprintStore) -> Iterator[Roster]:
    with closing(Roster(store, "model-1")) as roster:
        yield roster


def names(speakers: tuple[Speaker, ...]) -> list[str]:
    return [speaker.name for speaker in speakers]


def enroll(store: VoiceprintStore, name: str, model_id: str = "model-1") -> None:
    store.save(name, [template(1, model_id)], SaveMode.CREATE)


async def test_it_knows_who_is_enrolled(store: VoiceprintStore) -> None:
    enroll(store, "anna")
    with roster_of(store) as roster:
        assert names(roster.speakers) == ["anna"]


async def test_changes_made_in_any_thread_are_followed(store: VoiceprintStore) -> None:
    heard: list[list[str]] = []
    with roster_of(store) as roster, roster.followed(lambda speakers: heard.append(names(speakers)), since=roster.changes):
        await asyncio.to_thread(enroll, store, "anna")
        await asyncio.to_thread(enroll, store, "ben")
        await asyncio.to_thread(store.delete, "anna")
        assert heard == [["anna"], ["anna", "ben"], ["ben"]]
        assert (names(roster.speakers), roster.changes) == (["ben"], 3)


async def test_a_change_before_it_is_followed_is_told_at_once(store: VoiceprintStore) -> None:
    heard: list[list[str]] = []
    with roster_of(store) as roster:
        since = roster.changes
        await asyncio.to_thread(enroll, store, "anna")
        with roster.followed(lambda speakers: heard.append(names(speakers)), since=since):
            assert heard == [["anna"]]


async def test_nothing_is_told_after_the_block(store: VoiceprintStore) -> None:
    heard: list[list[str]] = []
    with roster_of(store) as roster:
        with roster.followed(lambda speakers: heard.append(names(speakers)), since=roster.changes):
            pass
        await asyncio.to_thread(enroll, store, "anna")
        assert (heard, names(roster.speakers)) == ([], ["anna"])


async def test_a_closed_roster_leaves_the_store_alone(store: VoiceprintStore) -> None:
    with roster_of(store) as roster:
        pass
    roster.close()
    await asyncio.to_thread(enroll, store, "anna")
    assert roster.speakers == ()


async def test_speakers_of_another_model_are_left_out(store: VoiceprintStore) -> None:
    enroll(store, "anna")
    enroll(store, "old", "model-0")
    with capture_logs() as logs, roster_of(store) as roster:
        assert names(roster.speakers) == ["anna"]
    assert [(line["log_level"], line["speakers"]) for line in logs] == [("warning", 1)]


async def test_nobody_is_recognised_by_a_damaged_store(store: VoiceprintStore, tmp_path: Path) -> None:
    enroll(store, "anna")
    with roster_of(store) as roster:
        with closing(sqlite3.connect(tmp_path / DATABASE)) as connection, connection:
            connection.execute("UPDATE templates SET sealed = zeroblob(40)")
        with capture_logs() as logs, pytest.raises(StorageError):
            await asyncio.to_thread(enroll, store, "ben")
        assert roster.speakers == ()
        assert [(line["log_level"], line["reason"]) for line in logs] == [("error", "STORAGE_FAILED")]
        assert "anna" not in str(logs)
        await asyncio.to_thread(store.delete, "anna")
        assert names(roster.speakers) == ["ben"]
