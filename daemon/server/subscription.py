"""The subscription service: what the captures hear, to whoever wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import grpc
import structlog

from daemon.errors import MalformedMessageError
from daemon.names import normalise_name
from daemon.server import convert_captures
from daemon.server.convert import NANOSECONDS
from daemon.server.errors import reported
from daemon.server.runtime import Runtime
from daemon.watch.subscriber import Subscriber, Wanted
from proto.speakerd.v1 import subscription_pb2, subscription_pb2_grpc

SubscribeContext = grpc.aio.ServicerContext[subscription_pb2.SubscribeRequest, subscription_pb2.SubscribeResponse]


class SubscriptionService(subscription_pb2_grpc.SubscriptionServiceServicer):
    """Tells applications what the captures hear."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def Subscribe(  # type: ignore[override]  # noqa: N802 - a coroutine that writes is gRPC's other form of a stream
        self, request: subscription_pb2.SubscribeRequest, context: SubscribeContext
    ) -> None:
        """Send the events that the client wants until it ends the call."""
        log = structlog.get_logger().bind(method="Subscribe")
        async with reported(context, log), self._runtime.streams.endless(), self._subscribed(request) as subscriber:
            log.info("subscribed", subscribers=self._runtime.watching.hub.subscribers, resumed=bool(request.after_sequence))
            try:
                await self._deliver(subscriber, context)
            finally:
                log.info("subscription ended", dropped=subscriber.dropped)

    async def _deliver(self, subscriber: Subscriber, context: SubscribeContext) -> None:
        hub = self._runtime.watching.hub
        # In one go, so that the list is as of that sequence and what follows is after it.
        standing = convert_captures.subscribed(self._runtime.captures.list(), hub.run_id, hub.sequence, datetime.now(UTC))
        await context.write(subscription_pb2.SubscribeResponse(event=standing))
        while True:
            told = await subscriber.next()
            await context.write(subscription_pb2.SubscribeResponse(event=convert_captures.capture_event(told)))

    @asynccontextmanager
    async def _subscribed(self, request: subscription_pb2.SubscribeRequest) -> AsyncIterator[Subscriber]:
        """Subscribe while the block runs; an overflow ends it, even while it waits for the client to take something in."""
        loop, overflow = asyncio.get_running_loop(), asyncio.timeout(None)
        with self._runtime.watching.hub.subscribed(
            self._wanted(request),
            after=request.after_sequence,
            run_id=request.run_id,
            on_overflow=lambda: overflow.reschedule(loop.time()),
        ) as subscriber:
            try:
                async with overflow:
                    yield subscriber
            except TimeoutError:
                subscriber.check()
                raise

    def _wanted(self, request: subscription_pb2.SubscribeRequest) -> Wanted:
        longest = self._runtime.config.limits.name_length
        interval = request.minimum_interval.ToNanoseconds()
        if interval < 0:
            raise MalformedMessageError("minimum_interval must not be negative")
        return Wanted(
            frozenset(normalise_name(name, longest, of="capture") for name in request.captures),
            decisions_only=request.decisions_only,
            speaker=normalise_name(request.speaker, longest) if request.speaker else "",
            minimum_interval=interval // NANOSECONDS,
            levels=request.levels,
        )
