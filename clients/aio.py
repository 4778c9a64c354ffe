"""The asyncio client: the methods of `clients.client.Client`, awaited.

>>> async with AsyncClient() as client:
...     async for event in client.verify(VerifyConfig(speakers=["ada"]), AsyncAudio(format, microphone())):
...         print(event)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar

import grpc

from clients import messages, protocol
from clients.address import Address, unix_address
from clients.audio import AsyncAudio, Audio
from clients.channel import TIMEOUT, channel_credentials, channel_options, client_errors
from proto.speakerd.v1 import (
    enrollment_pb2,
    enrollment_pb2_grpc,
    speakers_pb2,
    speakers_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
    verification_pb2,
    verification_pb2_grpc,
)

Request = TypeVar("Request")
Response = TypeVar("Response")
_Method = grpc.aio.StreamStreamMultiCallable


class AsyncClient:
    """A connection to the daemon, by default at its default socket, for the event loop that it is made in.

    Errors are those of `Client`. A stream that is not read to its end is ended by `aclose()`, as `contextlib.aclosing` does.
    """

    def __init__(self, address: Address | None = None) -> None:
        self.address = address or unix_address()
        self._channel = _connect(self.address)
        self._verification = verification_pb2_grpc.VerificationServiceStub(self._channel)
        self._enrollment = enrollment_pb2_grpc.EnrollmentServiceStub(self._channel)
        self._speakers = speakers_pb2_grpc.SpeakersServiceStub(self._channel)
        self._status = status_pb2_grpc.StatusServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection and whatever still runs over it."""
        await self._channel.close()

    async def verify(self, config: messages.VerifyConfig, audio: Audio | AsyncAudio) -> AsyncGenerator[messages.VerificationEvent]:
        """As `Client.verify`; audio that is not asynchronous is read in a thread."""
        async with aclosing(self._stream(self._verification.Verify, _verify_requests(config, audio))) as responses:
            async for response in responses:
                if event := protocol.verification_event(response):
                    yield event

    async def enroll(
        self, config: messages.EnrollConfig, recordings: Iterable[Audio | AsyncAudio]
    ) -> AsyncGenerator[messages.EnrollmentEvent]:
        """As `Client.enroll`; audio that is not asynchronous is read in a thread."""
        async with aclosing(self._stream(self._enrollment.Enroll, _enroll_requests(config, recordings))) as responses:
            async for response in responses:
                if event := protocol.enrollment_event(response):
                    yield event

    async def speakers(self) -> AsyncIterator[messages.Speaker]:
        """Yield the enrolled speakers by name."""
        request = speakers_pb2.ListSpeakersRequest()
        while True:
            with client_errors(self.address):
                page = await self._speakers.ListSpeakers(request, timeout=TIMEOUT)
            for speaker in page.speakers:
                yield protocol.speaker(speaker)
            if not page.next_page_token:
                return
            request = speakers_pb2.ListSpeakersRequest(page_token=page.next_page_token)

    async def speaker(self, name: str) -> messages.Speaker:
        """Return one enrolled speaker. Raises `SpeakerNotFoundError`."""
        with client_errors(self.address):
            response = await self._speakers.GetSpeaker(speakers_pb2.GetSpeakerRequest(name=name), timeout=TIMEOUT)
        return protocol.speaker(response.speaker)

    async def delete(self, name: str) -> None:
        """Forget a speaker and everything derived from their voice. Raises `SpeakerNotFoundError`."""
        with client_errors(self.address):
            await self._speakers.DeleteSpeaker(speakers_pb2.DeleteSpeakerRequest(name=name), timeout=TIMEOUT)

    async def status(self) -> messages.Status:
        """Return how the daemon is."""
        with client_errors(self.address):
            return protocol.status(await self._status.GetStatus(status_pb2.GetStatusRequest(), timeout=TIMEOUT))

    async def _stream(self, method: _Method[Request, Response], requests: AsyncIterator[Request]) -> AsyncGenerator[Response]:
        call = method()
        sender = asyncio.create_task(_send(call, requests))
        try:
            with client_errors(self.address):
                async for response in call:
                    yield response
        except asyncio.CancelledError:
            # gRPC raises it for a call that the sender cancelled, as well as when this task is cancelled.
            if sender.done() and (failure := sender.exception()):
                raise failure from None
            raise
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            call.cancel()


async def _send(call: grpc.aio.StreamStreamCall[Request, Response], requests: AsyncIterator[Request]) -> None:
    """Send until there is no more, or until the call is over: why it is, its reader hears. A failing source cancels the call."""
    try:
        async for request in requests:
            await call.write(request)
        await call.done_writing()
    except (asyncio.InvalidStateError, grpc.RpcError):
        return
    except BaseException:
        call.cancel()
        raise


async def _verify_requests(config: messages.VerifyConfig, audio: Audio | AsyncAudio) -> AsyncIterator[verification_pb2.VerifyRequest]:
    yield protocol.verify_config(config, audio.format)
    async for chunk in _chunks(audio):
        for request in protocol.verify_audio(chunk):
            yield request


async def _enroll_requests(
    config: messages.EnrollConfig, recordings: Iterable[Audio | AsyncAudio]
) -> AsyncIterator[enrollment_pb2.EnrollRequest]:
    for number, recording in enumerate(recordings):
        yield protocol.next_recording(recording.format) if number else protocol.enroll_config(config, recording.format)
        async for chunk in _chunks(recording):
            for request in protocol.enroll_audio(chunk):
                yield request


async def _chunks(audio: Audio | AsyncAudio) -> AsyncIterator[bytes]:
    if isinstance(audio, Audio):
        source = iter(audio.chunks)
        while (chunk := await asyncio.to_thread(next, source, None)) is not None:
            yield chunk
    else:
        async for chunk in audio.chunks:
            yield chunk


def _connect(address: Address) -> grpc.aio.Channel:
    credentials = channel_credentials(address)
    if credentials is None:
        return grpc.aio.insecure_channel(address.target, channel_options(address))
    return grpc.aio.secure_channel(address.target, credentials, channel_options(address))
