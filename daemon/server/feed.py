"""The feed service: clients that are the microphone of a capture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
import numpy as np

from daemon.errors import ConfigExpectedError, EmptyMessageError, UnexpectedConfigError
from daemon.events import AttemptDecided, AttemptFollowed, Level
from daemon.hearing.evidence import FULL_SCALE
from daemon.names import normalise_name
from daemon.server import convert
from daemon.server.convert_captures import capture_event
from daemon.server.runtime import Runtime
from daemon.server.streams import Stream
from daemon.watch.capture_events import CaptureEvent
from daemon.watch.watching import Capture
from models.features import Waveform
from proto.speakerd.v1 import feed_pb2, feed_pb2_grpc

FeedStream = Stream[feed_pb2.FeedRequest, feed_pb2.FeedResponse]


class FeedService(feed_pb2_grpc.FeedServiceServicer):
    """Hears what clients stream as captures of their own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def Feed(  # type: ignore[override]  # noqa: N802 - a coroutine that writes is gRPC's other form of a stream
        self,
        request_iterator: object,  # noqa: ARG002 - messages are read from the context
        context: grpc.aio.ServicerContext[feed_pb2.FeedRequest, feed_pb2.FeedResponse],
    ) -> None:
        """Hear a capture for as long as the client streams it."""
        async with self._runtime.streams.open("Feed", context) as stream, self._runtime.streams.endless():
            config = _config(await stream.receive())
            name = normalise_name(config.capture, self._runtime.config.limits.name_length, of="capture")
            decoder = convert.decoder(config.audio)
            async with self._capture(name, stream, config) as capture:
                while (request := await stream.receive()) is not None:
                    await _hear(capture, decoder.push(_audio(request)))
                await _hear(capture, decoder.finish())

    @asynccontextmanager
    async def _capture(self, name: str, stream: FeedStream, config: feed_pb2.FeedConfig) -> AsyncIterator[Capture]:
        """Make the capture known while the block runs; decide what is undecided when it ends without an error."""

        async def deliver(told: CaptureEvent) -> None:
            if _is_asked_for(told, config):
                await stream.send(feed_pb2.FeedResponse(event=capture_event(told)))

        captures, capture = self._runtime.captures, Capture(name, self._runtime.watching, deliver=deliver)
        captures.add(capture)
        try:
            try:
                await capture.start()
                yield capture
                await capture.finish()
            finally:
                # Before it is told that it stopped: its name is free then.
                captures.remove(capture)
            await capture.stop()
        finally:
            capture.abandon()


def _is_asked_for(told: CaptureEvent, config: feed_pb2.FeedConfig) -> bool:
    match told.event:
        case Level():
            return config.levels
        case AttemptDecided(decision=decision) | AttemptFollowed(decision=decision):
            return decision.final or config.interim_results
        case _:
            return True


async def _hear(capture: Capture, samples: Waveform) -> None:
    clipped = int(np.count_nonzero(np.abs(samples) >= FULL_SCALE))
    capture.counters = replace(capture.counters, clipped_samples=capture.counters.clipped_samples + clipped)
    await capture.hear(samples)


def _config(request: feed_pb2.FeedRequest | None) -> feed_pb2.FeedConfig:
    if request is None or request.WhichOneof("payload") != "config":
        raise ConfigExpectedError("the first message of a stream holds its config, the audio follows")
    return request.config


def _audio(request: feed_pb2.FeedRequest) -> bytes:
    match request.WhichOneof("payload"):
        case "audio":
            return request.audio
        case "config":
            raise UnexpectedConfigError("a stream has one config, in its first message: open another stream for another capture")
        case None:
            raise EmptyMessageError("a message holds neither config nor audio")
