"""Everything that can go wrong for a client: a typed tree, read from what gRPC reports.

Each error has a `reason` (UPPER_SNAKE, for programs), a sentence that says what to do (`str(error)`), and `metadata`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

DOMAIN: Final = "speakerd"
"""Domain of the `google.rpc.ErrorInfo` that the daemon attaches to each of its errors."""


class ClientError(Exception):
    """Base of all."""

    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason or self.default_reason
        self.metadata = dict(metadata or {})


class AudioFileError(ClientError):
    """A recording cannot be read."""

    default_reason = "AUDIO_FILE_UNREADABLE"


class AddressError(ClientError):
    """An address that no daemon can have, or that is not safe to use."""

    default_reason = "ADDRESS_INVALID"


class DemoDataError(ClientError):
    """A directory does not hold the recordings that the demo needs."""

    default_reason = "DEMO_DATA_INSUFFICIENT"


class ProtocolError(ClientError):
    """The daemon says what this client does not understand."""

    default_reason = "PROTOCOL_MISMATCH"


class UnreachableError(ClientError):
    """No daemon answers at the address."""

    default_reason = "DAEMON_UNREACHABLE"


class DaemonError(ClientError):
    """The daemon's answer to a request that it did not fulfil; if it gave no reason, the gRPC status code stands for it."""


class InvalidRequestError(DaemonError):
    """The request breaks the protocol or carries unusable values."""


class SpeakerNotFoundError(DaemonError):
    """No speaker is enrolled under that name."""


class SpeakerExistsError(DaemonError):
    """The name is taken."""


class NoSpeakersError(DaemonError):
    """Nobody is enrolled."""


class EnrollmentRefusedError(DaemonError):
    """The recordings fail a check; nothing was stored."""


class LimitError(DaemonError):
    """A limit of the daemon is reached."""


_CLASSES: Final[dict[str, type[DaemonError]]] = {
    "CONFIG_EXPECTED": InvalidRequestError,
    "UNEXPECTED_CONFIG": InvalidRequestError,
    "EMPTY_MESSAGE": InvalidRequestError,
    "INVALID_AUDIO_CONFIG": InvalidRequestError,
    "INVALID_NAME": InvalidRequestError,
    "INCOMPLETE_SAMPLE": InvalidRequestError,
    "AUDIO_NOT_FINITE": InvalidRequestError,
    "AUDIO_OUT_OF_RANGE": InvalidRequestError,
    "AUDIO_EMPTY": InvalidRequestError,
    "SPEAKER_NOT_FOUND": SpeakerNotFoundError,
    "SPEAKER_EXISTS": SpeakerExistsError,
    "NO_SPEAKERS_ENROLLED": NoSpeakersError,
    "NOT_ENOUGH_SPEECH": EnrollmentRefusedError,
    "AUDIO_CLIPPED": EnrollmentRefusedError,
    "VOICES_DIFFER": EnrollmentRefusedError,
    "SIMILAR_SPEAKER_ENROLLED": EnrollmentRefusedError,
    "AUDIO_TOO_LONG": LimitError,
    "STREAM_IDLE": LimitError,
    "TOO_MANY_STREAMS": LimitError,
    "TOO_MANY_SPEAKERS": LimitError,
    "TOO_MANY_RECORDINGS": LimitError,
    "STORAGE_FULL": LimitError,
}


def daemon_error(code: str, message: str, details: bytes) -> DaemonError:
    """Read an error that the daemon reported.

    code: name of the gRPC status code. message: its text. details: a serialized `google.rpc.Status`, may be empty; its
    `ErrorInfo` gives the reason, without one the code is the reason.
    """
    info = _error_info(details)
    if info is None:
        return DaemonError(message or f"the daemon failed with {code}; see its log", reason=code)
    return _CLASSES.get(info.reason, DaemonError)(message, reason=info.reason, metadata=info.metadata)


def _error_info(details: bytes) -> error_details_pb2.ErrorInfo | None:
    try:
        status = status_pb2.Status.FromString(details)
    except DecodeError:
        return None
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            return info
    return None
