from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from daemon.config import ServerConfig, SubscriptionsConfig
from daemon.watch.hub import Hub
from proto.speakerd.v1 import captures_pb2
from proto.speakerd.v1.feed_pb2_grpc import FeedServiceStub
from proto.speakerd.v1.subscription_pb2 import SubscribeRequest
from proto.speakerd.v1.subscription_pb2_grpc import SubscriptionServiceStub
from tests import audio
from tests.daemon.captured import decided, interim, started
from tests.daemon.process import daemon_process
from tests.daemon.server.capturing import (
    CaptureEvent,
    OpenFeed,
    Subscription,
    changes,
    decisions,
    fed,
    feed_audio,
    feed_config,
    kinds,
    narrow_channel,
    outcomes,
)
from tests.daemon.server.harness import CONFIG, Daemon, know, linear16, refused, running, short_directory

OWNER = linear16(audio.join(audio.voice(0, 1.3, take=1), audio.silence(1.2)))
QUEUE = 32
CLIENT = """
import sys, threading, grpc
from proto.speakerd.v1.feed_pb2_grpc import FeedServiceStub
from tests.daemon.server.capturing import feed_config

def requests():
    yield feed_config()
    threading.Event().wait()

list(FeedServiceStub(grpc.insecure_channel(f"unix:{sys.argv[1]}")).Feed(requests()))
"""
"""A feed that says nothing more."""


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with running(CONFIG.model_copy(update={"subscriptions": SubscriptionsConfig(queue=QUEUE, history=8, subscribers=4)})) as made:
        know(made.store, "anna", 0)
        know(made.store, "ben", 1)
        yield made


@pytest.fixture
def directory() -> Iterator[Path]:
    with short_directory() as made:
        yield made


async def standing(daemon: Daemon, request: SubscribeRequest | None = None) -> Subscription:
    subscription = Subscription(daemon, request)
    assert (await subscription.next()).HasField("subscribed")
    return subscription


async def until_subscribers(hub: Hub, count: int) -> None:
    async with asyncio.timeout(60):
        while hub.subscribers != count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_the_first_response_says_how_things_stand(daemon: Daemon) -> None:
    feeding = await OpenFeed(daemon).opened()
    subscription = Subscription(daemon)
    event = await subscription.next()
    assert (event.sequence, event.run_id, event.subscribed.sequence) == (0, daemon.server.hub.run_id, daemon.server.hub.sequence)
    assert event.time.ToDatetime().year >= 2026
    (capture,) = event.subscribed.captures
    assert (capture.name, capture.state) == ("kitchen", captures_pb2.CAPTURE_STATE_LISTENING)
    subscription.cancel()
    await feeding.end()


async def test_every_subscriber_hears_what_the_feed_itself_is_told(daemon: Daemon) -> None:
    subscriptions = [await standing(daemon) for _ in range(2)]
    own = await fed(daemon, OWNER, feed_config(interim=True))
    for subscription in subscriptions:
        assert await subscription.until_stopped() == own
        subscription.cancel()
    assert "ACCEPT" in outcomes(own)


@pytest.mark.parametrize(
    ("request_", "heard"),
    [
        (SubscribeRequest(decisions_only=True), {"capture_changed", "attempt_decided", "locked"}),
        (SubscribeRequest(levels=True), {"capture_changed", "attempt_started", "attempt_decided", "level", "locked"}),
        (SubscribeRequest(speaker="ben"), {"capture_changed", "attempt_started"}),
        (SubscribeRequest(speaker="anna"), {"capture_changed", "attempt_started", "attempt_decided", "locked"}),
    ],
)
async def test_only_what_is_asked_for_comes(daemon: Daemon, request_: SubscribeRequest, heard: set[str]) -> None:
    subscription = await standing(daemon, request_)
    await fed(daemon, linear16(audio.voice(0, 1.02, take=1)))
    events = await subscription.until_stopped()
    subscription.cancel()
    assert set(kinds(events)) == heard
    assert bool(decisions(events, final=False)) == ("attempt_decided" in heard and not request_.decisions_only)


async def test_a_capture_may_be_asked_for_before_it_exists(daemon: Daemon) -> None:
    subscription = await standing(daemon, SubscribeRequest(captures=["hall"]))
    for name in ("kitchen", "hall"):
        await fed(daemon, OWNER, feed_config(name))
    assert {event.capture for event in await subscription.until_stopped()} == {"hall"}
    subscription.cancel()


async def test_levels_can_be_thinned(daemon: Daemon) -> None:
    request = SubscribeRequest(levels=True, minimum_interval=Duration(nanos=500_000_000))
    subscription = await standing(daemon, request)
    await fed(daemon, bytes(2 * 16_000 * 2))
    levels = [event.audio_processed.ToMilliseconds() for event in await subscription.until_stopped() if event.HasField("level")]
    subscription.cancel()
    assert levels == [100, 600, 1_100, 1_600]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (SubscribeRequest(minimum_interval=Duration(seconds=-1)), "MALFORMED_MESSAGE"),
        (SubscribeRequest(captures=[""]), "INVALID_NAME"),
        (SubscribeRequest(speaker="an\na"), "INVALID_NAME"),
    ],
)
async def test_what_cannot_be_is_refused(daemon: Daemon, request_: SubscribeRequest, reason: str) -> None:
    with refused() as refusal:
        await Subscription(daemon, request_).rest()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_who_reconnects_misses_nothing(daemon: Daemon) -> None:
    subscription = await standing(daemon)
    await fed(daemon, b"")
    last = (await subscription.next()).sequence
    subscription.cancel()
    await fed(daemon, OWNER)
    resumed = await standing(daemon, SubscribeRequest(after_sequence=last, run_id=daemon.server.hub.run_id))
    first, second = await resumed.until_stopped(), await resumed.until_stopped()
    resumed.cancel()
    assert [event.sequence for event in [*first, *second]] == list(range(last + 1, daemon.server.hub.sequence + 1))
    assert (changes(first), "ACCEPT" in outcomes(second)) == (["STOPPED"], True)


@pytest.mark.parametrize(("after", "same_run"), [(1, True), (999, True), (15, False)])
async def test_what_is_not_there_any_more_cannot_be_resumed(daemon: Daemon, after: int, *, same_run: bool) -> None:
    for number in range(20):
        daemon.server.hub.publish("kitchen", started(number))
    with refused() as refusal:
        await Subscription(daemon, SubscribeRequest(after_sequence=after, run_id=daemon.server.hub.run_id if same_run else "x")).rest()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "HISTORY_GONE")


async def test_no_more_subscribers_are_let_in_than_are_allowed(daemon: Daemon) -> None:
    subscriptions = [await standing(daemon) for _ in range(4)]
    with refused() as refusal:
        await Subscription(daemon).rest()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_SUBSCRIBERS")
    for subscription in subscriptions:
        subscription.cancel()
    await until_subscribers(daemon.server.hub, 0)
    (await standing(daemon)).cancel()


async def take(subscription: Subscription, count: int) -> list[CaptureEvent]:
    return [await subscription.next() for _ in range(count)]


async def test_a_stalled_subscriber_is_told_why_it_is_cut_off_and_others_lose_nothing(daemon: Daemon) -> None:
    hub = daemon.server.hub
    with narrow_channel(daemon) as channel:
        reading, stalled = [await standing(daemon), await standing(daemon)], Subscription(daemon, channel=channel)
        await stalled.next()
        published: list[int] = []
        heard: list[list[CaptureEvent]] = [[], []]
        while hub.subscribers == 3:
            for number in range(8):
                hub.publish("kitchen", interim(number))
                published.append(hub.publish("kitchen", decided()).sequence)
            for subscription, events in zip(reading, heard, strict=True):
                events.extend(await take(subscription, 16))
        assert len(published) > QUEUE
        for subscription, events in zip(reading, heard, strict=True):
            assert [event.sequence for event in events if event.sequence] == published
            assert len(events) == 2 * len(published)
            subscription.cancel()
        with refused() as refusal:
            await stalled.rest()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SUBSCRIBER_TOO_SLOW")
    assert f"{QUEUE} events wait to be read" in refusal.message
    assert refusal.metadata == {"limit": str(QUEUE)}


async def test_a_stalled_subscriber_loses_interim_decisions_alone(daemon: Daemon) -> None:
    hub = daemon.server.hub
    with narrow_channel(daemon) as channel:
        stalled = Subscription(daemon, channel=channel)
        await stalled.next()
        for number in range(2_000):
            hub.publish("kitchen", interim(number))
            await asyncio.sleep(0)
        last = hub.publish("kitchen", decided()).sequence
        events = [await stalled.next()]
        while not events[-1].sequence:
            events.append(await stalled.next())
        stalled.cancel()
    assert events[-1].sequence == last
    assert QUEUE <= len(events) < 2_000


async def test_stopping_the_daemon_ends_it_at_once() -> None:
    async with running(CONFIG.model_copy(update={"server": ServerConfig(grace_seconds=3_600)})) as daemon:
        subscription = await standing(daemon)
        stopping = asyncio.create_task(daemon.server.stop())
        with refused() as refusal:
            await subscription.rest()
        await stopping
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DAEMON_STOPPING")


def test_a_killed_daemon_comes_back_as_another_run(directory: Path) -> None:
    content = [feed_config(), *feed_audio(OWNER)]
    with daemon_process(directory) as process:
        process.ready()
        with process.channel() as channel:
            events = [response.event for response in FeedServiceStub(channel).Feed(iter(content))]
        process.signal(signal.SIGKILL)
        process.end()
    with daemon_process(directory) as process:
        process.ready()
        with process.channel() as channel, refused() as refusal:
            request = SubscribeRequest(after_sequence=events[-1].sequence, run_id=events[-1].run_id)
            list(SubscriptionServiceStub(channel).Subscribe(request))
        assert refusal.reason == "HISTORY_GONE"
        log = process.stop()
    assert not any(line["event"] == "request failed" for line in log)


def test_a_killed_client_ends_its_feed(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        with process.channel() as channel:
            watching = SubscriptionServiceStub(channel).Subscribe(SubscribeRequest())
            assert next(watching).event.HasField("subscribed")
            with subprocess.Popen([sys.executable, "-c", CLIENT, str(process.socket)]) as client:
                assert changes([next(watching).event]) == ["STARTED"]
                client.kill()
                assert changes([next(watching).event]) == ["STOPPED"]
            # Its name is free at once.
            list(FeedServiceStub(channel).Feed(iter([feed_config()])))
            watching.cancel()
