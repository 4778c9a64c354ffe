"""Everything that can go wrong for someone who uses the daemon: a typed tree, one class per reason.

`reason` is the UPPER_SNAKE name that clients see in `google.rpc.ErrorInfo`; the message says what to do. Which gRPC status
each class becomes is one table in `daemon.server`.
"""

from __future__ import annotations

from typing import ClassVar


class SpeakerdError(Exception):
    """Base of all. `reason` names the case; `metadata` adds facts for programs."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.metadata = metadata


class InvalidRequestError(SpeakerdError):
    """The request breaks the protocol or carries unusable values."""


class ConfigExpectedError(InvalidRequestError):
    """The first message of a stream is not a config."""

    reason = "CONFIG_EXPECTED"


class UnexpectedConfigError(InvalidRequestError):
    """A config after the first message."""

    reason = "UNEXPECTED_CONFIG"


class EmptyMessageError(InvalidRequestError):
    """A message with no payload."""

    reason = "EMPTY_MESSAGE"


class MalformedMessageError(InvalidRequestError):
    """A message that is not what the method takes."""

    reason = "MALFORMED_MESSAGE"


class InvalidRequestIdError(InvalidRequestError):
    """A request id that is too long, or that is not printable."""

    reason = "INVALID_REQUEST_ID"


class InvalidPageError(InvalidRequestError):
    """A page size or a page token that cannot be."""

    reason = "INVALID_PAGE"


class InvalidAudioConfigError(InvalidRequestError):
    """Encoding, sample rate or channel count outside of what is supported."""

    reason = "INVALID_AUDIO_CONFIG"


class InvalidTargetError(InvalidRequestError):
    """A target rate of an attempt that is none, or looser than the daemon's own."""

    reason = "INVALID_TARGET"


class InvalidNameError(InvalidRequestError):
    """A name of a speaker or a capture that is empty, too long, or has control characters."""

    reason = "INVALID_NAME"


class InvalidAudioError(InvalidRequestError):
    """Audio data that no encoding allows."""


class IncompleteSampleError(InvalidAudioError):
    """The audio ends in the middle of a sample."""

    reason = "INCOMPLETE_SAMPLE"


class NotFiniteAudioError(InvalidAudioError):
    """NaN or infinite samples."""

    reason = "AUDIO_NOT_FINITE"


class AudioOutOfRangeError(InvalidAudioError):
    """Float samples far beyond full scale."""

    reason = "AUDIO_OUT_OF_RANGE"


class EmptyAudioError(InvalidAudioError):
    """A stream or a recording without a sample."""

    reason = "AUDIO_EMPTY"


class LimitError(SpeakerdError):
    """A configured limit is reached."""


class AudioTooLongError(LimitError):
    """More audio in one stream than `limits.stream_seconds` allows."""

    reason = "AUDIO_TOO_LONG"


class MessageTooLargeError(LimitError):
    """A message above `limits.message_bytes`."""

    reason = "MESSAGE_TOO_LARGE"


class TooManyStreamsError(LimitError):
    """As many streams as `limits.streams` are open."""

    reason = "TOO_MANY_STREAMS"


class StreamIdleError(LimitError):
    """The client sent nothing, or took nothing in, for `limits.idle_seconds`."""

    reason = "STREAM_IDLE"


class TooManySubscribersError(LimitError):
    """As many subscribers as `subscriptions.subscribers` are there."""

    reason = "TOO_MANY_SUBSCRIBERS"


class SubscriberTooSlowError(LimitError):
    """More events than `subscriptions.queue` wait for a subscriber, and none of them may be left out."""

    reason = "SUBSCRIBER_TOO_SLOW"


class TooManySpeakersError(LimitError):
    """As many speakers as `limits.speakers` are enrolled."""

    reason = "TOO_MANY_SPEAKERS"


class TooManyRecordingsError(LimitError):
    """More recordings of a speaker than `limits.recordings` allows."""

    reason = "TOO_MANY_RECORDINGS"


class StorageFullError(LimitError):
    """The disk or its quota is full; nothing was changed."""

    reason = "STORAGE_FULL"


class SpeakerNotFoundError(SpeakerdError):
    """No speaker is enrolled under that name."""

    reason = "SPEAKER_NOT_FOUND"


class SpeakerExistsError(SpeakerdError):
    """The name is taken."""

    reason = "SPEAKER_EXISTS"


class CaptureNotFoundError(SpeakerdError):
    """No capture has that name."""

    reason = "CAPTURE_NOT_FOUND"


class CaptureExistsError(SpeakerdError):
    """A capture has that name already."""

    reason = "CAPTURE_EXISTS"


class HistoryGoneError(SpeakerdError):
    """The events after the given one are not kept any more, or are of another run of the daemon."""

    reason = "HISTORY_GONE"


class StoppingError(SpeakerdError):
    """The daemon is being stopped."""

    reason = "DAEMON_STOPPING"


class StateError(SpeakerdError):
    """The daemon's state does not allow the request."""


class NoSpeakersError(StateError):
    """Nobody is enrolled."""

    reason = "NO_SPEAKERS_ENROLLED"


class CaptureStoppedError(StateError):
    """The capture does not listen."""

    reason = "CAPTURE_STOPPED"


class CaptureBusyError(StateError):
    """Somebody is enrolled from that capture now."""

    reason = "CAPTURE_BUSY"


class WrongModelError(StateError):
    """A voiceprint was made by another model than the one that runs."""

    reason = "WRONG_MODEL"


class CaptureUnavailableError(StateError):
    """This machine lacks what microphones need: sounddevice or PortAudio."""

    reason = "CAPTURE_UNAVAILABLE"


class EnrollmentRefusedError(StateError):
    """The recordings fail a check; nothing was stored."""


class NotEnoughSpeechError(EnrollmentRefusedError):
    """Less net speech than an enrollment needs."""

    reason = "NOT_ENOUGH_SPEECH"


class ClippedAudioError(EnrollmentRefusedError):
    """A recording is overdriven."""

    reason = "AUDIO_CLIPPED"


class VoicesDifferError(EnrollmentRefusedError):
    """The recordings are of two people, or not of the speaker they are added to."""

    reason = "VOICES_DIFFER"


class SimilarSpeakerError(EnrollmentRefusedError):
    """The voice would too often be taken for that of another speaker."""

    reason = "SIMILAR_SPEAKER_ENROLLED"


class StorageError(SpeakerdError):
    """The voiceprint store cannot be read or written."""

    reason = "STORAGE_FAILED"


class StorageKeyError(StorageError):
    """The store's key is missing or is not the one it was written with."""

    reason = "STORAGE_KEY_MISMATCH"


class StartError(SpeakerdError):
    """The daemon cannot start."""


class ConfigError(StartError):
    """config.yaml is invalid: the message names the key, the value and what is allowed."""

    reason = "CONFIG_INVALID"


class SocketInUseError(StartError):
    """Another process listens at the address."""

    reason = "SOCKET_IN_USE"


class ModelError(StartError):
    """The model's files are missing, altered or of another kind."""

    reason = "MODEL_INVALID"


class CommandError(SpeakerdError):
    """What the operator asked `speakerd` for cannot be done."""


class EvaluationError(CommandError):
    """Decisions cannot be measured: a recording, a list or an output cannot be used, or nobody can be enrolled."""

    reason = "EVALUATION_FAILED"


class CalibrationError(CommandError):
    """A model cannot be calibrated: a recording, a list or the output cannot be used, or there are too few speakers."""

    reason = "CALIBRATION_FAILED"
