"""The open streams: how many there are, how long they may idle, how they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar, cast
from uuid import uuid4

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from structlog.typing import FilteringBoundLogger

from daemon.config import LimitsConfig
from daemon.errors import (
    InvalidRequestIdError,
    MalformedMessageError,
    MessageTooLargeError,
    StoppingError,
    StreamIdleError,
    TooManyStreamsError,
)
from daemon.server.errors import reported

MAX_REQUEST_ID: Final = 128

Request = TypeVar("Request")
Response = TypeVar("Response")
Result = TypeVar("Result")


class Stream(Generic[Request, Response]):
    """One stream of messages in both directions. `request_id` names it, `log` tells of it."""

    def __init__(self, context: grpc.aio.ServicerContext[Request, Response], limits: LimitsConfig, log: FilteringBoundLogger) -> None:
        self.request_id = uuid4().hex
        self.log = log.bind(request_id=self.request_id)
        self._context = context
        self._limits = limits

    def name_it(self, request_id: str) -> None:
        """Take the client's id for this stream, if it gave one. Raises `InvalidRequestIdError`."""
        if len(request_id) > MAX_REQUEST_ID or not request_id.isprintable():
            raise InvalidRequestIdError(f"a request id has at most {MAX_REQUEST_ID} printable characters", limit=str(MAX_REQUEST_ID))
        self.request_id = request_id or self.request_id
        self.log = self.log.bind(request_id=self.request_id)

    async def receive(self) -> Request | None:
        """Return the client's next message, None after the last.

        Raises `StreamIdleError`, `MalformedMessageError`, `MessageTooLargeError`.
        """
        try:
            message = await self._promptly("sent nothing", self._context.read())
        except DecodeError:
            raise MalformedMessageError("a message is not what this method takes: use the API in proto/speakerd/v1") from None
        if message is grpc.aio.EOF:
            return None
        if (size := cast("Message", message).ByteSize()) > (limit := self._limits.message_bytes):
            raise MessageTooLargeError(
                f"a message has {size} bytes, at most {limit} are allowed (limits.message_bytes): send the audio in smaller pieces",
                limit=str(limit),
            )
        return message

    async def send(self, response: Response) -> None:
        """Send a message. Raises `StreamIdleError` if the client takes nothing in."""
        await self._promptly("took nothing in", self._context.write(response))

    async def _promptly(self, idleness: str, doing: Awaitable[Result]) -> Result:
        try:
            async with asyncio.timeout(self._limits.idle_seconds):
                return await doing
        except TimeoutError:
            seconds = f"{self._limits.idle_seconds:g}"
            raise StreamIdleError(f"the client {idleness} for {seconds} s (limits.idle_seconds)", limit=seconds) from None


class Streams:
    """Lets streams in, as many as are allowed, until the daemon stops."""

    def __init__(self, limits: LimitsConfig) -> None:
        self._limits = limits
        self._stopping = False
        self._left = asyncio.Event()
        self._endless: set[asyncio.Timeout] = set()
        self.active = 0
        """How many streams are open."""

    @asynccontextmanager
    async def open(self, method: str, context: grpc.aio.ServicerContext[Request, Response]) -> AsyncIterator[Stream[Request, Response]]:
        """Count the stream while the block runs, and tell its client about errors in it."""
        stream = Stream(context, self._limits, structlog.get_logger().bind(method=method))
        started = time.monotonic()
        async with reported(context, stream.log):
            self._admit()
            self.active += 1
            try:
                yield stream
            finally:
                self.active -= 1
                self._left.set()
                stream.log.info("stream closed", seconds=round(time.monotonic() - started, 3))

    @asynccontextmanager
    async def endless(self) -> AsyncIterator[None]:
        """Run a block that does not end by itself: when the daemon stops, it ends with `StoppingError`, wherever it waits."""
        self._refuse_if_stopping()
        ending = asyncio.timeout(None)
        try:
            async with ending:
                self._endless.add(ending)
                yield
        except TimeoutError:
            if ending.expired():
                self._refuse_if_stopping()
            raise
        finally:
            self._endless.discard(ending)

    async def drain(self, seconds: float) -> None:
        """Let no more streams in, end the endless ones, and wait until all have ended, but not longer than `seconds`."""
        self._stopping = True
        for ending in self._endless:
            ending.reschedule(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(seconds):
                while self.active:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            structlog.get_logger().warning("streams cut", streams=self.active)

    def _refuse_if_stopping(self) -> None:
        if self._stopping:
            raise StoppingError("the daemon is being stopped: try again when it runs again")

    def _admit(self) -> None:
        self._refuse_if_stopping()
        if self.active >= self._limits.streams:
            raise TooManyStreamsError(
                f"{self.active} streams are open, and no more are allowed (limits.streams): try again later",
                limit=str(self._limits.streams),
            )
