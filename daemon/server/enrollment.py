"""The enrollment service: one speaker per stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import grpc

from daemon.enrollment.session import EnrollmentSession
from daemon.errors import ConfigExpectedError, EmptyMessageError, UnexpectedConfigError
from daemon.events import EnrollmentProgress, Event
from daemon.names import normalise_name
from daemon.server import convert, convert_enrollment
from daemon.server.hearing import Hearing
from daemon.server.runtime import Runtime
from daemon.server.saving import Saver
from daemon.server.streams import Stream
from proto.speakerd.v1 import audio_pb2, enrollment_pb2, enrollment_pb2_grpc

EnrollStream = Stream[enrollment_pb2.EnrollRequest, enrollment_pb2.EnrollResponse]


class EnrollmentService(enrollment_pb2_grpc.EnrollmentServiceServicer):
    """Makes a voice known."""

    def __init__(self, runtime: Runtime, saver: Saver) -> None:
        self._runtime = runtime
        self._saver = saver

    async def Enroll(  # type: ignore[override]  # noqa: N802 - a coroutine that writes is gRPC's other form of a stream
        self,
        request_iterator: object,  # noqa: ARG002 - messages are read from the context
        context: grpc.aio.ServicerContext[enrollment_pb2.EnrollRequest, enrollment_pb2.EnrollResponse],
    ) -> None:
        """Hear recordings, check them, and store what they give."""
        async with self._runtime.streams.open("Enroll", context) as stream:
            config = _config(await stream.receive())
            stream.name_it(config.request_id)
            name, mode = normalise_name(config.speaker, self._runtime.config.limits.name_length), convert.save_mode(config.mode)
            decoder, model_id = convert.decoder(config.audio), self._runtime.engine.encoder.model_id
            await self._runtime.stored(self._runtime.store.check, name, model_id, 1, mode)
            stream.log.info("stream opened", mode=mode.value)
            runtime = self._runtime
            session = EnrollmentSession(runtime.engine.encoder.initial_state(), model_id, runtime.config, runtime.calibration)
            hearing = Hearing(session, runtime.engine, runtime.config.limits, decoder)
            await _Dialogue(stream, session, hearing, config.audio).run()
            speaker, added = await self._saver.save(session, name, mode, allow_similar=config.allow_similar)
            stream.log.info("enrolled", recordings=len(added.recordings))
            await stream.send(convert_enrollment.result_response(speaker, added, hearing.heard, stream.request_id))


class _Dialogue:
    """Hears all recordings of a stream and tells their progress."""

    def __init__(self, stream: EnrollStream, session: EnrollmentSession, hearing: Hearing, audio: audio_pb2.AudioConfig) -> None:
        self._stream = stream
        self._session = session
        self._hearing = hearing
        self._audio = audio
        self._latest: EnrollmentProgress | None = None

    async def run(self) -> None:
        while (request := await self._stream.receive()) is not None:
            await self._take(request)
        self._hearing.end_recording()
        self._session.finish()
        await self._deliver(self._hearing.events())
        # A client that is gone looks like one that has no more to send: only a message to it shows whether it still wants to enroll.
        if self._latest:
            await self._tell(replace(self._latest, at=self._hearing.heard))

    async def _take(self, request: enrollment_pb2.EnrollRequest) -> None:
        match request.WhichOneof("payload"):
            case "audio":
                await self._deliver(self._hearing.hear(request.audio))
            case "next_recording":
                await self._next_recording(request.next_recording)
            case "config":
                raise UnexpectedConfigError("a stream has one config, in its first message: NextRecording begins another recording")
            case None:
                raise EmptyMessageError("a message holds neither config, audio nor NextRecording")

    async def _next_recording(self, request: enrollment_pb2.NextRecording) -> None:
        self._hearing.end_recording()
        self._session.next_recording()
        await self._deliver(self._hearing.events())
        if request.HasField("audio"):
            self._audio = request.audio
        self._hearing.begin_recording(convert.decoder(self._audio))

    async def _deliver(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            if isinstance(event, EnrollmentProgress):
                self._latest = event
                await self._tell(event)

    async def _tell(self, progress: EnrollmentProgress) -> None:
        await self._stream.send(convert_enrollment.progress_response(progress, self._stream.request_id))


def _config(request: enrollment_pb2.EnrollRequest | None) -> enrollment_pb2.EnrollConfig:
    if request is None or request.WhichOneof("payload") != "config":
        raise ConfigExpectedError("the first message of a stream holds its config, the audio follows")
    return request.config
