from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import numpy as np
import pytest

from daemon.config import AttemptsConfig, LimitsConfig, ServerConfig
from models.features import SAMPLE_RATE
from proto.speakerd.v1 import audio_pb2, feed_pb2, speakers_pb2
from tests import audio
from tests.daemon.server.capturing import (
    CaptureEvent,
    OpenFeed,
    Subscription,
    changes,
    decisions,
    fed,
    feed,
    feed_audio,
    feed_config,
    kinds,
    narrow_channel,
    outcomes,
)
from tests.daemon.server.harness import CONFIG, Daemon, know, linear16, refused, running

SPEECH = audio.voice(0, 1.3, take=1)
OWNER = linear16(audio.join(SPEECH, audio.noise(1.2, level=-75.0)))


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with running() as started:
        know(started.store, "anna", 0)
        know(started.store, "ben", 1)
        yield started


async def captures(daemon: Daemon) -> list[str]:
    """Return the names of the captures there are."""
    subscription = Subscription(daemon)
    listed = (await subscription.next()).subscribed.captures
    subscription.cancel()
    return [capture.name for capture in listed]


async def test_its_events_come_back(daemon: Daemon) -> None:
    events = await fed(daemon, OWNER)
    assert changes(events) == ["STARTED", "STOPPED"]
    assert (kinds(events)[0], kinds(events)[-1]) == ("capture_changed", "capture_changed")
    accepted = next(event for event in events if event.HasField("attempt_decided"))
    assert (accepted.attempt_decided.attempt, accepted.attempt_decided.decision.speaker) == (1, "anna")
    assert outcomes(events)[0] == "ACCEPT"
    assert {(event.capture, event.run_id) for event in events} == {("kitchen", events[0].run_id)}
    assert [event.sequence for event in events] == list(range(2, 2 + len(events)))


async def test_levels_and_interim_decisions_come_if_they_are_asked_for(daemon: Daemon) -> None:
    plain, full = await fed(daemon, OWNER), await fed(daemon, OWNER, feed_config(interim=True, levels=True))
    assert "level" not in kinds(plain)
    assert decisions(plain, final=False) == []
    assert kinds(full).count("level") == 25
    assert decisions(full, final=False)
    assert {event.sequence for event in full if event.HasField("level")} == {0}
    assert decisions(full) == decisions(plain)


async def test_it_is_heard_alike_however_it_is_cut(daemon: Daemon) -> None:
    def bare(events: list[CaptureEvent]) -> list[CaptureEvent]:
        for event in events:
            for field in ("time", "sequence"):
                event.ClearField(field)
            event.attempt_decided.ClearField("expires")
        return events

    config = feed_config(interim=True, levels=True)
    small, large = [bare(await feed(daemon, config, *feed_audio(OWNER, size))) for size in (701, 200_000)]
    assert small == large


async def test_an_acceptance_says_until_when_it_may_be_acted_on(daemon: Daemon) -> None:
    events = [event for event in await fed(daemon, OWNER, feed_config(interim=True)) if event.HasField("attempt_decided")]
    accepted = [event for event in events if event.attempt_decided.HasField("expires")]
    assert outcomes(accepted) == ["ACCEPT"]
    assert accepted[0].attempt_decided.expires.ToDatetime() - accepted[0].time.ToDatetime() == timedelta(seconds=5)


async def test_it_is_listed_while_it_lasts(daemon: Daemon) -> None:
    feeding = await OpenFeed(daemon).opened()
    assert await captures(daemon) == ["kitchen"]
    await feeding.end()
    assert await captures(daemon) == []


async def test_its_name_is_its_own(daemon: Daemon) -> None:
    feeding = await OpenFeed(daemon).opened()
    with refused() as refusal:
        await fed(daemon, OWNER)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CAPTURE_EXISTS")
    assert "'kitchen'" in refusal.message
    # The one that is there was not disturbed, and its name is free after it.
    feeding.send(OWNER)
    assert "ACCEPT" in outcomes(await feeding.end())
    assert changes(await fed(daemon, b"")) == ["STARTED", "STOPPED"]


async def test_names_are_compared_as_they_look(daemon: Daemon) -> None:
    feeding = await OpenFeed(daemon, feed_config("caf\u00e9")).opened()
    with refused() as refusal:
        await fed(daemon, b"", feed_config("cafe\u0301"))
    assert refusal.reason == "CAPTURE_EXISTS"
    await feeding.end()


@pytest.mark.parametrize("name", ["", " hall", "ha\nll", "x" * 65])
async def test_an_impossible_name_is_refused(daemon: Daemon, name: str) -> None:
    with refused() as refusal:
        await fed(daemon, b"", feed_config(name))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME")


async def test_it_may_last_longer_than_other_streams() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(stream_seconds=2.0)})) as daemon:
        know(daemon.store, "anna", 0)
        events = await fed(daemon, bytes(2 * SAMPLE_RATE * 5) + OWNER)
    assert changes(events) == ["STARTED", "SILENCE_STARTED", "SILENCE_ENDED", "STOPPED"]
    assert "ACCEPT" in outcomes(events)


async def test_several_feeds_are_heard_at_once(daemon: Daemon) -> None:
    feeds = [await OpenFeed(daemon, feed_config(name)).opened() for name in ("hall", "kitchen")]
    assert await captures(daemon) == ["hall", "kitchen"]
    for each, seed in zip(feeds, (0, 1), strict=True):
        each.send(linear16(audio.voice(seed, 1.3, take=1)))
    ended = [await each.end() for each in feeds]
    assert [decisions(events)[0].speaker for events in ended] == ["anna", "ben"]


async def test_a_client_that_goes_away_ends_it_at_once(daemon: Daemon) -> None:
    watching = Subscription(daemon)
    await watching.next()
    feeding = await OpenFeed(daemon).opened()
    feeding.cancel()
    assert changes(await watching.until_stopped()) == ["STARTED", "STOPPED"]
    await daemon.until_idle()
    assert await captures(daemon) == []
    assert changes(await fed(daemon, b"")) == ["STARTED", "STOPPED"]
    watching.cancel()


async def test_a_client_that_sends_nothing_is_cut_off() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(idle_seconds=0.2)})) as daemon:
        feeding = await OpenFeed(daemon).opened()
        with refused() as refusal:
            await feeding.rest()
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "STREAM_IDLE")
        assert await captures(daemon) == []


async def test_a_client_that_takes_nothing_in_is_not_heard_on() -> None:
    limits, attempts = LimitsConfig(idle_seconds=1.0), AttemptsConfig(level_seconds=0.01)
    async with running(CONFIG.model_copy(update={"limits": limits, "attempts": attempts})) as daemon:
        watching = Subscription(daemon)
        await watching.next()
        with narrow_channel(daemon) as channel:
            feeding = OpenFeed(daemon, feed_config(levels=True), channel=channel)
            feeding.send(bytes(2 * SAMPLE_RATE * 60))
            stopped = (await watching.until_stopped())[-1]
            assert stopped.audio_processed.ToSeconds() < 60
            with refused() as refusal:
                await feeding.rest()
        watching.cancel()
    assert (refusal.reason, "took nothing in" in refusal.message) == ("STREAM_IDLE", True)


async def test_feeds_count_as_streams() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(streams=1)})) as daemon:
        feeding = await OpenFeed(daemon).opened()
        with refused() as refusal:
            await fed(daemon, b"", feed_config("hall"))
        assert refusal.reason == "TOO_MANY_STREAMS"
        await feeding.end()


async def test_stopping_the_daemon_ends_it_at_once() -> None:
    async with running(CONFIG.model_copy(update={"server": ServerConfig(grace_seconds=3_600)})) as daemon:
        feeding = await OpenFeed(daemon).opened()
        stopping = asyncio.create_task(daemon.server.stop())
        with refused() as refusal:
            await feeding.rest()
        await stopping
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DAEMON_STOPPING")


async def test_who_is_deleted_while_speaking_is_not_accepted(daemon: Daemon) -> None:
    feeding = await OpenFeed(daemon, feed_config(interim=True)).opened()
    feeding.send(linear16(SPEECH[:14_400]))
    while not (await feeding.next()).HasField("attempt_decided"):
        pass
    await asyncio.to_thread(daemon.speakers.DeleteSpeaker, speakers_pb2.DeleteSpeakerRequest(name="anna"))
    feeding.send(linear16(SPEECH[14_400:]))
    assert "ACCEPT" not in outcomes(await feeding.end())


async def test_who_is_enrolled_meanwhile_is_accepted(daemon: Daemon) -> None:
    feeding = await OpenFeed(daemon).opened()
    know(daemon.store, "cleo", 2)
    feeding.send(linear16(audio.voice(2, 1.3, take=1)))
    assert decisions(await feeding.end())[0].speaker == "cleo"


async def test_samples_at_full_scale_are_counted(daemon: Daemon) -> None:
    watching = Subscription(daemon)
    await watching.next()
    await fed(daemon, linear16(audio.join(np.ones(700, dtype=np.float32), audio.silence(0.5))))
    assert (await watching.until_stopped())[-1].capture_changed.capture.counters.clipped_samples == 700
    watching.cancel()


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([], "CONFIG_EXPECTED"),
        (feed_audio(bytes(320)), "CONFIG_EXPECTED"),
        ([feed_config(), feed_config()], "UNEXPECTED_CONFIG"),
        ([feed_config(), feed_pb2.FeedRequest()], "EMPTY_MESSAGE"),
        ([feed_config(), *feed_audio(bytes(321))], "INCOMPLETE_SAMPLE"),
        ([feed_config(audio_config=audio_pb2.AudioConfig())], "INVALID_AUDIO_CONFIG"),
        ([feed_config(), feed_pb2.FeedRequest(audio=bytes(262_144))], "MESSAGE_TOO_LARGE"),
    ],
)
async def test_what_breaks_the_protocol_is_refused(daemon: Daemon, requests: list[feed_pb2.FeedRequest], reason: str) -> None:
    with refused() as refusal:
        await feed(daemon, *requests)
    assert refusal.reason == reason
    assert await captures(daemon) == []
