"""The captures service: the microphones of the daemon, and who is enrolled from what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import structlog

from daemon.capture.microphones import Microphones
from daemon.capture.process import list_devices
from daemon.enrollment.spoken import SpokenEnrollment
from daemon.errors import CaptureStoppedError
from daemon.events import EnrollmentProgress, Evidence
from daemon.hearing.listener import Encode
from daemon.names import normalise_name
from daemon.server import convert, convert_captures, convert_enrollment
from daemon.server.errors import reported
from daemon.server.runtime import Runtime
from daemon.server.saving import Saver
from daemon.server.streams import Stream
from daemon.watch.watching import Capture, Gap
from models.features import SAMPLE_RATE, Waveform
from proto.speakerd.v1 import captures_pb2, captures_pb2_grpc

EnrollStream = Stream[captures_pb2.EnrollFromCaptureRequest, captures_pb2.EnrollFromCaptureResponse]


class CapturesService(captures_pb2_grpc.CapturesServiceServicer):
    """Lists captures and devices, starts and stops microphones, and enrolls whoever speaks to one."""

    def __init__(self, runtime: Runtime, microphones: Microphones, saver: Saver) -> None:
        self._runtime = runtime
        self._microphones = microphones
        self._saver = saver
        self._log = structlog.get_logger()

    async def ListCaptures(  # noqa: N802 - the API's name
        self,
        request: captures_pb2.ListCapturesRequest,  # noqa: ARG002 - it asks for nothing in particular
        context: grpc.aio.ServicerContext[captures_pb2.ListCapturesRequest, captures_pb2.ListCapturesResponse],  # noqa: ARG002 - cannot fail
    ) -> captures_pb2.ListCapturesResponse:
        """Return all captures, by name."""
        return captures_pb2.ListCapturesResponse(captures=[convert_captures.capture(status) for status in self._runtime.captures.list()])

    async def StartCapture(  # noqa: N802 - the API's name
        self,
        request: captures_pb2.StartCaptureRequest,
        context: grpc.aio.ServicerContext[captures_pb2.StartCaptureRequest, captures_pb2.StartCaptureResponse],
    ) -> captures_pb2.StartCaptureResponse:
        """Begin to listen."""
        response = captures_pb2.StartCaptureResponse()
        async with reported(context, self._log):
            status = await self._microphones.start(self._name(request.name))
            response.capture.CopyFrom(convert_captures.capture(status))
        return response

    async def StopCapture(  # noqa: N802 - the API's name
        self,
        request: captures_pb2.StopCaptureRequest,
        context: grpc.aio.ServicerContext[captures_pb2.StopCaptureRequest, captures_pb2.StopCaptureResponse],
    ) -> captures_pb2.StopCaptureResponse:
        """Listen no more."""
        response = captures_pb2.StopCaptureResponse()
        async with reported(context, self._log):
            status = await self._microphones.stop(self._name(request.name))
            response.capture.CopyFrom(convert_captures.capture(status))
        return response

    async def ListDevices(  # noqa: N802 - the API's name
        self,
        request: captures_pb2.ListDevicesRequest,  # noqa: ARG002 - it asks for nothing in particular
        context: grpc.aio.ServicerContext[captures_pb2.ListDevicesRequest, captures_pb2.ListDevicesResponse],
    ) -> captures_pb2.ListDevicesResponse:
        """Return the input devices that there are now."""
        response = captures_pb2.ListDevicesResponse()
        async with reported(context, self._log):
            response.devices.extend(convert_captures.device(device) for device in await list_devices())
        return response

    async def EnrollFromCapture(  # type: ignore[override]  # noqa: N802 - a coroutine that writes is gRPC's other form of a stream
        self,
        request: captures_pb2.EnrollFromCaptureRequest,
        context: grpc.aio.ServicerContext[captures_pb2.EnrollFromCaptureRequest, captures_pb2.EnrollFromCaptureResponse],
    ) -> None:
        """Hear whoever speaks to a capture, check what they said, and store what it gives."""
        runtime = self._runtime
        async with runtime.streams.open("EnrollFromCapture", context) as stream, runtime.streams.endless():
            name, mode = normalise_name(request.speaker, runtime.config.limits.name_length), convert.save_mode(request.mode)
            capture, model_id = runtime.captures.get(self._name(request.capture)), runtime.engine.encoder.model_id
            await runtime.stored(runtime.store.check, name, model_id, 1, mode)
            enrollment = SpokenEnrollment(runtime.engine.encoder.initial_state(), model_id, runtime.config, runtime.calibration)
            stream.log.info("stream opened", mode=mode.value, capture=capture.name)
            await _Dictation(runtime, stream, capture, enrollment).run()
            speaker, added = await self._saver.save(enrollment.session, name, mode, allow_similar=request.allow_similar)
            stream.log.info("enrolled", recordings=len(added.recordings))
            await stream.send(captures_pb2.EnrollFromCaptureResponse(result=convert_enrollment.result(speaker, added)))

    def _name(self, name: str) -> str:
        return normalise_name(name, self._runtime.config.limits.name_length, of="capture")


class _Dictation:
    """Gives an enrollment what a capture hears, and tells its progress."""

    def __init__(self, runtime: Runtime, stream: EnrollStream, capture: Capture, enrollment: SpokenEnrollment) -> None:
        self._runtime = runtime
        self._stream = stream
        self._capture = capture
        self._enrollment = enrollment

    async def run(self) -> None:
        """Return when there is enough, or when the capture stops. Raises `CaptureStoppedError` if it delivers nothing any more."""
        needed = round(self._runtime.config.enrollment.min_speech_seconds * SAMPLE_RATE)
        async with self._capture.taken_over() as pieces:
            # Whoever asked knows by it that they can speak.
            await self._tell(EnrollmentProgress(0, 1, Evidence(), 0, needed))
            while not self._enrollment.done and (piece := await self._next(pieces)) is not None:
                if isinstance(piece, Gap):
                    self._enrollment.cut()
                else:
                    self._enrollment.feed(piece)
                await self._hear()
            self._enrollment.finish()
            await self._hear()

    async def _next(self, pieces: AsyncIterator[Waveform | Gap]) -> Waveform | Gap | None:
        seconds = self._runtime.config.limits.idle_seconds
        try:
            async with asyncio.timeout(seconds):
                return await anext(pieces, None)
        except TimeoutError:
            problem = self._capture.status.problem or "its source is silent"
            raise CaptureStoppedError(
                f"the capture {self._capture.name!r} delivered nothing for {seconds:g} s: {problem}", capture=self._capture.name
            ) from None

    async def _hear(self) -> None:
        while (due := self._enrollment.poll()) is not None:
            if isinstance(due, Encode):
                self._enrollment.encoded(await self._runtime.engine.step(due.frames, due.state))
            elif isinstance(due, EnrollmentProgress):
                await self._tell(due)

    async def _tell(self, progress: EnrollmentProgress) -> None:
        await self._stream.send(captures_pb2.EnrollFromCaptureResponse(progress=convert_enrollment.progress(progress)))
