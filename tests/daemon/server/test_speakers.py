from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC

import grpc
import pytest

from daemon.server import speakers
from daemon.store.voiceprints import DATABASE
from proto.speakerd.v1 import speakers_pb2
from tests.daemon.server.harness import Daemon, know, refused, running


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with running() as started:
        for name in ("carl", "anna", "ben"):
            know(started.store, name, 0)
        yield started


async def listed(daemon: Daemon, size: int = 0, token: str = "") -> speakers_pb2.ListSpeakersResponse:
    return await asyncio.to_thread(daemon.speakers.ListSpeakers, speakers_pb2.ListSpeakersRequest(page_size=size, page_token=token))


async def got(daemon: Daemon, name: str) -> speakers_pb2.Speaker:
    response = await asyncio.to_thread(daemon.speakers.GetSpeaker, speakers_pb2.GetSpeakerRequest(name=name))
    return response.speaker


async def delete(daemon: Daemon, name: str) -> None:
    await asyncio.to_thread(daemon.speakers.DeleteSpeaker, speakers_pb2.DeleteSpeakerRequest(name=name))


def names(page: speakers_pb2.ListSpeakersResponse) -> list[str]:
    return [speaker.name for speaker in page.speakers]


async def test_all_speakers_fit_on_one_page_by_default(daemon: Daemon) -> None:
    page = await listed(daemon)
    assert (names(page), page.next_page_token) == (["anna", "ben", "carl"], "")


async def test_nobody_is_an_empty_page() -> None:
    async with running() as daemon:
        assert await listed(daemon) == speakers_pb2.ListSpeakersResponse()


async def test_pages_follow_each_other(daemon: Daemon) -> None:
    first = await listed(daemon, 2)
    second = await listed(daemon, 2, first.next_page_token)
    assert (names(first), names(second), second.next_page_token) == (["anna", "ben"], ["carl"], "")


async def test_a_full_last_page_is_the_last(daemon: Daemon) -> None:
    assert (await listed(daemon, 3)).next_page_token == ""


async def test_a_page_has_its_limit(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speakers, "MAX_PAGE", 2)
    assert [names(await listed(daemon, size)) for size in (0, 3)] == [["anna", "ben"]] * 2


async def test_pages_skip_nobody_when_a_speaker_is_deleted_between_them(daemon: Daemon) -> None:
    first = await listed(daemon, 1)
    await delete(daemon, "anna")
    assert names(await listed(daemon, 5, first.next_page_token)) == ["ben", "carl"]


@pytest.mark.parametrize(("size", "token"), [(-1, ""), (0, "###"), (0, "a"), (0, "_w==")])
async def test_pages_that_cannot_be_are_refused(daemon: Daemon, size: int, token: str) -> None:
    with refused() as refusal:
        await listed(daemon, size, token)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE")


async def test_a_speaker_is_shown(daemon: Daemon) -> None:
    stored, shown = daemon.store.get("anna"), await got(daemon, "anna")
    assert (shown.name, shown.model_id, shown.recordings) == ("anna", "fake-1", 1)
    assert shown.speech.ToNanoseconds() == stored.speech * 62_500
    assert shown.create_time.ToDatetime(UTC) == stored.created
    assert shown.update_time.ToDatetime(UTC) == stored.updated


async def test_a_deleted_speaker_is_gone(daemon: Daemon) -> None:
    await delete(daemon, "anna")
    assert names(await listed(daemon)) == ["ben", "carl"]
    with refused() as refusal:
        await delete(daemon, "anna")
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND")


async def test_who_is_not_enrolled_cannot_be_reset(daemon: Daemon) -> None:
    with refused() as refusal:
        await asyncio.to_thread(daemon.speakers.ResetSpeaker, speakers_pb2.ResetSpeakerRequest(name="zoe"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND")


async def test_an_unknown_speaker_is_told(daemon: Daemon) -> None:
    with refused() as refusal:
        await got(daemon, "zoe")
    assert (refusal.code, refusal.reason, refusal.metadata) == (grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND", {"speaker": "zoe"})
    assert "list the speakers" in refusal.message


@pytest.mark.parametrize("name", ["", "a" * 65, "a\x00"])
async def test_impossible_names_are_refused(daemon: Daemon, name: str) -> None:
    with refused() as refusal:
        await got(daemon, name)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME")


async def test_a_store_that_fails_is_told(daemon: Daemon) -> None:
    with closing(sqlite3.connect(daemon.config.storage.data_directory / DATABASE, isolation_level=None)) as connection:
        connection.execute("DROP TABLE templates")
    with refused() as refusal:
        await listed(daemon)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "STORAGE_FAILED")
