"""The status service: how the daemon is."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version

import grpc
import structlog
from google.protobuf.duration_pb2 import Duration

from daemon.config import APP
from daemon.decision import boundaries
from daemon.server.errors import reported
from daemon.server.runtime import Runtime
from proto.speakerd.v1 import status_pb2, status_pb2_grpc


class StatusService(status_pb2_grpc.StatusServiceServicer):
    """Tells what runs, and how busy it is."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._started = time.monotonic()

    async def GetStatus(  # noqa: N802 - the API's name
        self,
        request: status_pb2.GetStatusRequest,  # noqa: ARG002 - it asks for nothing in particular
        context: grpc.aio.ServicerContext[status_pb2.GetStatusRequest, status_pb2.GetStatusResponse],
    ) -> status_pb2.GetStatusResponse:
        """Return the status."""
        runtime = self._runtime
        decision = runtime.config.decision
        response = status_pb2.GetStatusResponse(
            version=daemon_version(),
            model_id=runtime.engine.encoder.model_id,
            backend=runtime.config.model.backend,
            uptime=_duration(time.monotonic() - self._started),
            active_streams=runtime.streams.active,
            max_streams=runtime.config.limits.streams,
            false_accept_rate=decision.false_accept_rate,
            false_reject_rate=decision.false_reject_rate,
            prior=decision.prior,
        )
        async with reported(context, structlog.get_logger()):
            response.speakers = len(await runtime.stored(runtime.store.speakers))
        response.accept_llr, response.reject_llr = boundaries(decision, runtime.calibration, response.speakers)
        return response


def daemon_version() -> str:
    """Return the installed version; a tree that runs without being installed has none."""
    try:
        return version(APP)
    except PackageNotFoundError:
        return "not installed"


def _duration(seconds: float) -> Duration:
    result = Duration()
    result.FromNanoseconds(int(seconds * 1e9))
    return result
