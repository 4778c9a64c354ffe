"""The asyncio client: the methods of `clients.client.Client`, awaited.

>>> async with AsyncClient() as client:
...     async for event in client.verify(VerifyConfig(speakers=["ada"]), AsyncAudio(format, microphone())):
...         print(event)

It runs the blocking client in threads: gRPC's own asyncio client loses the status of a call that the daemon ends while audio is sent
(https://github.com/grpc/grpc/issues/36066).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from queue import SimpleQueue
from types import TracebackType
from typing import Never, Protocol, Self, TypeVar

from clients import capture_messages, messages
from clients.acceptance import acceptances, first_accept
from clients.address import Address
from clients.audio import AsyncAudio, Audio
from clients.client import Client
from clients.subscription import Subscription, SubscriptionEvent

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)


class AsyncClient:
    """A connection to the daemon, by default at its default socket.

    Errors are those of `Client`. A stream that is not read to its end is ended by `aclose()`, as `contextlib.aclosing` does.
    """

    def __init__(self, address: Address | None = None) -> None:
        self._client = Client(address)
        self.address = self._client.address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection and whatever still runs over it."""
        self._client.close()

    def verify(self, config: messages.VerifyConfig, audio: Audio | AsyncAudio) -> AsyncGenerator[messages.VerificationEvent]:
        """As `Client.verify`; audio that is not asynchronous is read in a thread."""
        return _events(lambda bridge: self._client.verify(config, bridge.blocking(audio)))

    def enroll(self, config: messages.EnrollConfig, recordings: Iterable[Audio | AsyncAudio]) -> AsyncGenerator[messages.EnrollmentEvent]:
        """As `Client.enroll`; `recordings`, and audio that is not asynchronous, are read in a thread."""
        return _events(lambda bridge: self._client.enroll(config, map(bridge.blocking, recordings)))

    async def speakers(self) -> AsyncIterator[messages.Speaker]:
        """Yield the enrolled speakers by name."""
        for speaker in await asyncio.to_thread(list, self._client.speakers()):
            yield speaker

    async def speaker(self, name: str) -> messages.Speaker:
        """Return one enrolled speaker. Raises `SpeakerNotFoundError`."""
        return await asyncio.to_thread(self._client.speaker, name)

    async def delete(self, name: str) -> None:
        """Forget a speaker and everything derived from their voice. Raises `SpeakerNotFoundError`."""
        await asyncio.to_thread(self._client.delete, name)

    async def reset(self, name: str) -> messages.Speaker:
        """Forget what a voiceprint learned from attempts; return the speaker as enrolled. Raises `SpeakerNotFoundError`."""
        return await asyncio.to_thread(self._client.reset, name)

    async def status(self) -> messages.Status:
        """Return how the daemon is."""
        return await asyncio.to_thread(self._client.status)

    def subscribe(self, config: capture_messages.SubscribeConfig) -> AsyncGenerator[capture_messages.CaptureEvent]:
        """As `Client.subscribe`."""
        return _events(lambda _bridge: self._client.subscribe(config))

    def subscription(self, config: capture_messages.SubscribeConfig) -> AsyncGenerator[SubscriptionEvent]:
        """Yield the events of a `clients.subscription.Subscription`, which reconnects by itself."""
        return _events(lambda _bridge: Subscription(self._client, config))

    async def wait_for_accept(self, speaker: str, timeout: float, captures: Sequence[str] = ()) -> capture_messages.CaptureEvent | None:  # noqa: ASYNC109 - as the blocking one
        """As `clients.acceptance.wait_for_accept`."""
        with Subscription(self._client, acceptances(speaker, captures)) as subscription:
            return await asyncio.to_thread(first_accept, subscription, speaker, timeout)

    def feed(self, config: capture_messages.FeedConfig, audio: Audio | AsyncAudio) -> AsyncGenerator[capture_messages.CaptureEvent]:
        """As `Client.feed`; audio that is not asynchronous is read in a thread."""
        return _events(lambda bridge: self._client.feed(config, bridge.blocking(audio)))

    async def captures(self) -> list[capture_messages.Capture]:
        """Return the daemon's captures by name, and how they are."""
        return await asyncio.to_thread(self._client.captures)

    async def start_capture(self, name: str) -> capture_messages.Capture:
        """Begin to listen. Raises `CaptureNotFoundError`."""
        return await asyncio.to_thread(self._client.start_capture, name)

    async def stop_capture(self, name: str) -> capture_messages.Capture:
        """Stop to listen and close the device. Raises `CaptureNotFoundError`."""
        return await asyncio.to_thread(self._client.stop_capture, name)

    async def devices(self) -> list[capture_messages.Device]:
        """Return the devices that the daemon could capture now."""
        return await asyncio.to_thread(self._client.devices)

    def enroll_from_capture(self, capture: str, config: messages.EnrollConfig) -> AsyncGenerator[messages.EnrollmentEvent]:
        """As `Client.enroll_from_capture`."""
        return _events(lambda _bridge: self._client.enroll_from_capture(capture, config))


class _Closable(Protocol[Event_co]):
    """A `Stream` or a `Subscription`."""

    def __next__(self) -> Event_co: ...
    def close(self) -> None: ...


async def _events(start: Callable[[_Bridge], _Closable[Event]]) -> AsyncGenerator[Event]:
    """Start a stream and yield its events, which a thread of its own waits for."""
    reader = ThreadPoolExecutor(1)
    async with aclosing(_Bridge()) as bridge:
        with closing(start(bridge)) as stream:
            try:
                while event := await asyncio.get_running_loop().run_in_executor(reader, next, stream, None):
                    yield event
            finally:
                reader.shutdown(wait=False)


class _Bridge:
    """Lets gRPC's thread iterate over audio that comes asynchronously: one task fetches it, a chunk at a time, until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wanted: asyncio.Queue[AsyncIterable[bytes]] = asyncio.Queue()
        self._taken = asyncio.Semaphore(0)
        self._fetched: SimpleQueue[bytes | asyncio.Task[Never] | None] = SimpleQueue()
        self._fetching = asyncio.create_task(self._fetch())
        self._fetching.add_done_callback(self._fetched.put)

    def blocking(self, audio: Audio | AsyncAudio) -> Audio:
        """Return `audio` for a thread to read."""
        return audio if isinstance(audio, Audio) else Audio(audio.format, self._chunks(audio.chunks))

    async def aclose(self) -> None:
        """Cancel the audio that is being fetched; the thread that waits for it gets the `CancelledError`."""
        self._fetching.cancel()
        await asyncio.gather(self._fetching, return_exceptions=True)

    def _chunks(self, source: AsyncIterable[bytes]) -> Iterator[bytes]:
        self._loop.call_soon_threadsafe(self._wanted.put_nowait, source)
        while (chunk := self._fetched.get()) is not None:
            if isinstance(chunk, asyncio.Task):
                chunk.result()
            self._loop.call_soon_threadsafe(self._taken.release)
            yield chunk

    async def _fetch(self) -> Never:
        while True:
            async for chunk in await self._wanted.get():
                self._fetched.put(chunk)
                await self._taken.acquire()
            self._fetched.put(None)
