"""Feeds, subscriptions and waiting for someone, with a real daemon process and the voices that ship."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from clients.acceptance import wait_for_accept
from clients.address import UnixAddress
from clients.aio import AsyncClient
from clients.audio import Audio
from clients.capture_messages import (
    AttemptDecided,
    CaptureChange,
    CaptureChanged,
    CaptureEvent,
    CaptureState,
    FeedConfig,
    Level,
    SubscribeConfig,
    Subscribed,
)
from clients.client import Client
from clients.demo.plan import SHIPPED
from clients.demo.process import private_daemon
from clients.errors import CaptureExistsError, CaptureNotFoundError, HistoryGoneError, InvalidRequestError
from clients.files import open_audio
from clients.messages import EnrollConfig, Outcome
from clients.stream import Stream
from clients.subscription import Disconnected, Gap, Subscription
from tests.daemon.process import daemon_process

SLT, RMS = ([SHIPPED / name / f"{number}.opus" for number in range(1, 5)] for name in ("1-slt", "2-rms"))
SETTINGS = "subscriptions: {decision_expiry_seconds: 60}"
PAUSE = np.random.default_rng(1).normal(0, 1e-4, 2 * 16_000).astype("<f4").tobytes()
"""Two seconds of a quiet room."""


@pytest.fixture(scope="module")
def address() -> Iterator[UnixAddress]:
    """A daemon that knows slt."""
    with private_daemon(SETTINGS) as address, Client(address) as client:
        list(client.enroll(EnrollConfig("slt"), map(open_audio, SLT[:3])))
        yield address


@pytest.fixture
def client(address: UnixAddress) -> Iterator[Client]:
    with Client(address) as client:
        yield client


def conversation(between: threading.Event | None = None) -> Audio:
    """Return slt, a pause and rms. between: what the pause lasts until."""
    first, second = open_audio(SLT[3]), open_audio(RMS[3])

    def chunks() -> Iterator[bytes]:
        yield from first.chunks
        yield PAUSE
        if between is not None:
            assert between.wait(60)
        yield from second.chunks

    return Audio(first.format, chunks())


def outcomes(events: list[CaptureEvent]) -> list[tuple[Outcome, str]]:
    """Return the final decisions."""
    decisions = [event.event.decision for event in events if isinstance(event.event, AttemptDecided)]
    return [(decision.outcome, decision.speaker) for decision in decisions if decision.final]


def test_a_subscriber_is_told_what_the_feed_is(client: Client) -> None:
    with closing(client.subscribe(SubscribeConfig(["hall"]))) as subscription:
        assert isinstance(next(subscription).event, Subscribed)
        fed = list(client.feed(FeedConfig("hall"), conversation()))
        told = until_stopped(subscription)

    kept = [event for event in fed if event.sequence]
    assert [event for event in told if event.sequence and not isinstance(event.event, CaptureChanged)] == [
        event for event in kept if not isinstance(event.event, CaptureChanged)
    ]
    assert [event.sequence for event in kept] == sorted({event.sequence for event in kept})
    assert outcomes(fed)[0] == (Outcome.ACCEPT, "slt")
    assert Outcome.REJECT in {outcome for outcome, _ in outcomes(fed)}
    assert not [event for event in fed if isinstance(event.event, Level)]


async def test_the_asyncio_client_hears_the_same(client: Client) -> None:
    config = FeedConfig("hall", interim=False, levels=True)
    ours = list(client.feed(config, conversation()))
    async with AsyncClient(client.address) as other:
        theirs = [event async for event in other.feed(config, conversation())]

    assert [(event.capture, event.at, type(event.event)) for event in theirs] == [
        (event.capture, event.at, type(event.event)) for event in ours
    ]
    assert outcomes(theirs) == outcomes(ours)
    assert [event for event in ours if isinstance(event.event, Level)]


def test_a_capture_exists_while_it_is_fed(client: Client) -> None:
    before, during = threading.Event(), threading.Event()

    def feed() -> None:
        for event in client.feed(FeedConfig("hall"), conversation(during)):
            if isinstance(event.event, AttemptDecided):
                before.set()

    feeding = threading.Thread(target=feed)
    feeding.start()
    assert before.wait(60)

    (capture,) = client.captures()
    with pytest.raises(CaptureExistsError):
        list(client.feed(FeedConfig("hall"), conversation()))
    during.set()
    feeding.join(60)

    assert (capture.name, capture.state) == ("hall", CaptureState.LISTENING)
    assert client.captures() == []
    with pytest.raises(CaptureNotFoundError):
        client.start_capture("hall")


def test_what_was_missed_is_told_to_whoever_resumes(client: Client) -> None:
    first = next(client.subscribe(SubscribeConfig()))
    assert isinstance(first.event, Subscribed)
    fed = list(client.feed(FeedConfig("hall", interim=False), conversation()))

    resumed = SubscribeConfig(["hall"], decisions_only=True, after=first.event.sequence, run_id=first.run_id)
    with closing(client.subscribe(resumed)) as subscription:
        assert isinstance(next(subscription).event, Subscribed)
        told = until_stopped(subscription)

    assert outcomes(told) == outcomes(fed)


def test_history_of_another_run_is_gone(client: Client) -> None:
    with pytest.raises(HistoryGoneError):
        next(client.subscribe(SubscribeConfig(after=3, run_id="another")))
    with Subscription(client, SubscribeConfig(after=3, run_id="another")) as subscription:
        assert next(subscription) == Gap(restarted=True)
        assert isinstance(next(subscription), CaptureEvent)


def test_an_impossible_subscription_is_refused(client: Client) -> None:
    with Subscription(client, SubscribeConfig(minimum_interval=-1.0)) as subscription, pytest.raises(InvalidRequestError):
        next(subscription)


def test_waiting_for_someone(client: Client) -> None:
    accepted: list[CaptureEvent | None] = []
    waiting = threading.Thread(target=lambda: accepted.append(wait_for_accept(client, "slt", 60.0, ["door"])))
    waiting.start()
    while waiting.is_alive():
        list(client.feed(FeedConfig("door"), conversation()))

    (event,) = accepted
    assert event is not None
    assert isinstance(event.event, AttemptDecided)
    assert (event.event.decision.outcome, event.event.decision.speaker) == (Outcome.ACCEPT, "slt")
    assert wait_for_accept(client, "rms", 0.1) is None


def test_a_daemon_that_is_started_again_is_a_gap(socket: Path) -> None:
    with daemon_process(socket.parent) as daemon:
        daemon.ready()
        client = Client(UnixAddress(daemon.socket))
        subscription = Subscription(client, SubscribeConfig())
        assert isinstance(next(subscription), CaptureEvent)
    assert isinstance(next(subscription), Disconnected)

    with daemon_process(socket.parent) as daemon, client, subscription:
        daemon.ready()
        told = (event for event in subscription if not isinstance(event, Disconnected))
        assert next(told) == Gap(restarted=True)
        assert isinstance(next(told), CaptureEvent)


def until_stopped(subscription: Stream[CaptureEvent]) -> list[CaptureEvent]:
    """Return what is told until the feed ends."""
    told: list[CaptureEvent] = []
    for event in subscription:
        told.append(event)
        if isinstance(event.event, CaptureChanged) and event.event.change is CaptureChange.STOPPED:
            return told
    raise AssertionError("the subscription ended before the feed")
