"""Clients that feed a capture or subscribe to what captures hear, in plain protocol messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import grpc

from proto.speakerd.v1 import audio_pb2, capture_event_pb2, decision_pb2, feed_pb2, subscription_pb2
from proto.speakerd.v1.feed_pb2_grpc import FeedServiceStub
from proto.speakerd.v1.subscription_pb2_grpc import SubscriptionServiceStub
from tests.daemon.server.harness import AUDIO, MESSAGE_BYTES, Daemon, cut

CaptureEvent = capture_event_pb2.CaptureEvent


@contextmanager
def narrow_channel(daemon: Daemon) -> Iterator[grpc.Channel]:
    """Yield a channel that takes in little which nobody reads: by default, gRPC hides for long that a client has stalled."""
    with grpc.insecure_channel(daemon.addresses[0], [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1_024)]) as channel:
        yield channel


class Subscription:
    """A subscription. It takes in what it is asked for, and no more."""

    def __init__(
        self, daemon: Daemon, request: subscription_pb2.SubscribeRequest | None = None, *, channel: grpc.Channel | None = None
    ) -> None:
        stub = SubscriptionServiceStub(channel or daemon.channel)
        self._call = stub.Subscribe(request or subscription_pb2.SubscribeRequest())

    async def next(self) -> CaptureEvent:
        return (await asyncio.to_thread(next, self._call)).event

    async def until_stopped(self) -> list[CaptureEvent]:
        """Take events until some capture stops, that event included."""
        events = [await self.next()]
        while events[-1].capture_changed.change != capture_event_pb2.CAPTURE_CHANGE_STOPPED:
            events.append(await self.next())
        return events

    async def rest(self) -> list[CaptureEvent]:
        """Wait for the daemon to end it."""
        return [response.event for response in await asyncio.to_thread(list, self._call)]

    def cancel(self) -> None:
        self._call.cancel()


class OpenFeed:
    """A feed whose client sends what it is told to."""

    def __init__(self, daemon: Daemon, config: feed_pb2.FeedRequest | None = None, *, channel: grpc.Channel | None = None) -> None:
        self._requests: SimpleQueue[feed_pb2.FeedRequest | None] = SimpleQueue()
        self._requests.put(config or feed_config())
        self._call = FeedServiceStub(channel or daemon.channel).Feed(self._sent())

    async def opened(self) -> OpenFeed:
        """Wait until the capture has started."""
        assert (await self.next()).capture_changed.change == capture_event_pb2.CAPTURE_CHANGE_STARTED
        return self

    def send(self, content: bytes) -> None:
        for request in feed_audio(content):
            self._requests.put(request)

    async def next(self) -> CaptureEvent:
        return (await asyncio.to_thread(next, self._call)).event

    async def rest(self) -> list[CaptureEvent]:
        """Wait for the daemon to end it."""
        try:
            return [response.event for response in await asyncio.to_thread(list, self._call)]
        finally:
            self._requests.put(None)

    async def end(self) -> list[CaptureEvent]:
        """Say that there is no more to send, and wait for the daemon to end it."""
        self._requests.put(None)
        return await self.rest()

    def cancel(self) -> None:
        """Go away."""
        self._call.cancel()
        self._requests.put(None)

    def _sent(self) -> Iterator[feed_pb2.FeedRequest]:
        while (request := self._requests.get()) is not None:
            yield request


def feed_config(
    capture: str = "kitchen", *, interim: bool = False, levels: bool = False, audio_config: audio_pb2.AudioConfig = AUDIO
) -> feed_pb2.FeedRequest:
    return feed_pb2.FeedRequest(config=feed_pb2.FeedConfig(capture=capture, audio=audio_config, interim_results=interim, levels=levels))


def feed_audio(content: bytes, size: int = MESSAGE_BYTES) -> list[feed_pb2.FeedRequest]:
    return [feed_pb2.FeedRequest(audio=piece) for piece in cut(content, size)]


async def feed(daemon: Daemon, *requests: feed_pb2.FeedRequest) -> list[CaptureEvent]:
    """Send the requests; return the events that come back."""
    return [response.event for response in await asyncio.to_thread(lambda: list(FeedServiceStub(daemon.channel).Feed(iter(requests))))]


async def fed(daemon: Daemon, content: bytes, config: feed_pb2.FeedRequest | None = None) -> list[CaptureEvent]:
    """Feed a capture; return the events that come back."""
    return await feed(daemon, config or feed_config(), *feed_audio(content))


def kinds(events: list[CaptureEvent]) -> list[str]:
    return [event.WhichOneof("event") or "" for event in events]


def changes(events: list[CaptureEvent]) -> list[str]:
    named = [event.capture_changed.change for event in events if event.HasField("capture_changed")]
    return [capture_event_pb2.CaptureChange.Name(change).removeprefix("CAPTURE_CHANGE_") for change in named]


def decisions(events: list[CaptureEvent], *, final: bool = True) -> list[decision_pb2.Decision]:
    found = [event.attempt_decided.decision for event in events if event.HasField("attempt_decided")]
    return [decision for decision in found if decision.is_final == final]


def outcomes(events: list[CaptureEvent]) -> list[str]:
    return [decision_pb2.Outcome.Name(decision.outcome).removeprefix("OUTCOME_") for decision in decisions(events)]
