"""What clients hear of an error: a gRPC status, a sentence, and a `google.rpc.ErrorInfo` for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from structlog.typing import FilteringBoundLogger

from daemon.errors import (
    AudioTooLongError,
    CaptureExistsError,
    CaptureNotFoundError,
    HistoryGoneError,
    InvalidRequestError,
    LimitError,
    SpeakerdError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    StateError,
    StoppingError,
    StorageError,
    StreamIdleError,
)

DOMAIN: Final = "speakerd"
DETAILS: Final = "grpc-status-details-bin"
MAX_TEXT: Final = 1_000
"""Bytes of a text that are sent: a status travels in HTTP trailers, whose size is limited."""

STATUS: Final = {
    InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    LimitError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    # Sending the same audio again can never succeed.
    AudioTooLongError: grpc.StatusCode.OUT_OF_RANGE,
    StreamIdleError: grpc.StatusCode.DEADLINE_EXCEEDED,
    SpeakerNotFoundError: grpc.StatusCode.NOT_FOUND,
    SpeakerExistsError: grpc.StatusCode.ALREADY_EXISTS,
    CaptureNotFoundError: grpc.StatusCode.NOT_FOUND,
    CaptureExistsError: grpc.StatusCode.ALREADY_EXISTS,
    HistoryGoneError: grpc.StatusCode.OUT_OF_RANGE,
    StateError: grpc.StatusCode.FAILED_PRECONDITION,
    StorageError: grpc.StatusCode.INTERNAL,
    StoppingError: grpc.StatusCode.UNAVAILABLE,
    SpeakerdError: grpc.StatusCode.INTERNAL,
}
"""The status of each class of errors; a class that is not here has that of the nearest one above it."""


def status_code(error: SpeakerdError) -> grpc.StatusCode:
    """Return the gRPC status that `error` becomes."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: SpeakerdError) -> None:
    """End the call with `error`. Raises what gRPC ends a handler with."""
    code, message = status_code(error), _short(str(error))
    metadata = {key: _short(value) for key, value in error.metadata.items()}
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    await context.abort(code, message, ((DETAILS, status.SerializeToString()),))


@asynccontextmanager
async def reported(context: grpc.aio.ServicerContext[Any, Any], log: FilteringBoundLogger) -> AsyncIterator[None]:
    """Tell the client about every error in the block, and the log too, without what the client sent."""
    try:
        yield
    except SpeakerdError as error:
        if isinstance(error, StorageError):
            # A sentence about one speaker names them, and the log holds no names.
            sentence = {} if "speaker" in error.metadata else {"error": str(error)}
            log.error("storage failed", reason=error.reason, **sentence)
        else:
            log.info("request refused", reason=error.reason)
        await abort(context, error)
    except grpc.aio.BaseError:
        # The call is over, by abort or because the client is gone: gRPC deals with it.
        raise
    except Exception:
        log.exception("request failed")
        await abort(context, SpeakerdError("the daemon failed to do this: its log tells why"))


def _short(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= MAX_TEXT else f"{encoded[:MAX_TEXT].decode(errors='ignore')}..."
