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


class ScenarioError(ClientError):
    """A scenario file cannot be read or says what it may not."""

    default_reason = "SCENARIO_INVALID"


class ProtocolError(ClientError):
    """The daemon says what this client does not understand."""

    default_reason = "PROTOCOL_MISMATCH"


class UnreachableError(ClientError):
    """No daemon answers at the address, or it is just stopping."""

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


class CaptureNotFoundError(DaemonError):
    """The daemon has no capture of that name."""


class CaptureExistsError(DaemonError):
    """Another capture has that name."""


class HistoryGoneError(DaemonError):
    """The daemon no longer has what followed the event after which a subscription was to go on, or it was started anew."""


class LimitError(DaemonError):
    """A limit of the daemon is reached."""


class SubscriberTooSlowError(LimitError):
    """A subscription was ended because its events were not read in time."""


_CLASS_OF_REASON: Final[dict[str, type[ClientError]]] = {
    "NO_SPEAKERS_ENROLLED": NoSpeakersError,
    "NOT_ENOUGH_SPEECH": EnrollmentRefusedError,
    "AUDIO_CLIPPED": EnrollmentRefusedError,
    "VOICES_DIFFER": EnrollmentRefusedError,
    "SIMILAR_SPEAKER_ENROLLED": EnrollmentRefusedError,
    "CAPTURE_NOT_FOUND": CaptureNotFoundError,
    "CAPTURE_EXISTS": CaptureExistsError,
    "HISTORY_GONE": HistoryGoneError,
    "SUBSCRIBER_TOO_SLOW": SubscriberTooSlowError,
}
_CLASS_OF_CODE: Final[dict[str, type[ClientError]]] = {
    "INVALID_ARGUMENT": InvalidRequestError,
    "NOT_FOUND": SpeakerNotFoundError,
    "ALREADY_EXISTS": SpeakerExistsError,
    "RESOURCE_EXHAUSTED": LimitError,
    "OUT_OF_RANGE": LimitError,
    "DEADLINE_EXCEEDED": LimitError,
    "UNAVAILABLE": UnreachableError,
}


def daemon_error(code: str, message: str, details: bytes) -> ClientError:
    """Read an error that the daemon reported.

    code: name of the gRPC status code. message: its text. details: a serialized `google.rpc.Status`, may be empty; its
    `ErrorInfo` gives the reason, without one the code is the reason.
    """
    info = _error_info(details)
    reason, metadata = (info.reason, info.metadata) if info else (code, None)
    kind = _CLASS_OF_REASON.get(reason) or _CLASS_OF_CODE.get(code, DaemonError)
    return kind(message or f"the daemon failed with {code}: its log tells why", reason=reason, metadata=metadata)


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
