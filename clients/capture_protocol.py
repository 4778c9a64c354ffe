"""The protocol of captures, subscriptions and feeds without a network, as `clients.protocol` is that of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from clients import capture_messages as messages
from clients import protocol
from clients.audio import Audio
from clients.messages import Decision, EnrollConfig, EnrollmentEvent
from proto.speakerd.v1 import capture_event_pb2, captures_pb2, feed_pb2, subscription_pb2

_STATES: Final = {captures_pb2.CaptureState.Value(f"CAPTURE_STATE_{state.name}"): state for state in messages.CaptureState}
_CHANGES: Final = {capture_event_pb2.CaptureChange.Value(f"CAPTURE_CHANGE_{change.name}"): change for change in messages.CaptureChange}

_Decided = capture_event_pb2.AttemptDecided | capture_event_pb2.AttemptFollowed


def subscribe_request(config: messages.SubscribeConfig) -> subscription_pb2.SubscribeRequest:
    """Return the request for a subscription."""
    return subscription_pb2.SubscribeRequest(
        captures=config.captures,
        decisions_only=config.decisions_only,
        speaker=config.speaker,
        minimum_interval=protocol.duration(config.minimum_interval),
        after_sequence=config.after,
        run_id=config.run_id,
        levels=config.levels,
    )


def feed_requests(config: messages.FeedConfig, audio: Audio) -> Iterator[feed_pb2.FeedRequest]:
    """Return all messages of a feed."""
    yield feed_pb2.FeedRequest(
        config=feed_pb2.FeedConfig(
            capture=config.capture,
            audio=protocol.audio_config(audio.format),
            interim_results=config.interim,
            levels=config.levels,
        )
    )
    for chunk in audio.chunks:
        for piece in protocol.split(chunk):
            yield feed_pb2.FeedRequest(audio=piece)


def enroll_request(capture: str, config: EnrollConfig) -> captures_pb2.EnrollFromCaptureRequest:
    """Return the request to enroll whoever speaks next."""
    return captures_pb2.EnrollFromCaptureRequest(
        capture=capture, speaker=config.speaker, mode=protocol.enroll_mode(config.mode), allow_similar=config.allow_similar
    )


def enrollment_event(response: captures_pb2.EnrollFromCaptureResponse) -> EnrollmentEvent | None:
    """Read a response; None if it is of a kind that this client does not know. It does not tell its position: `at` is 0."""
    match response.WhichOneof("event"):
        case "progress":
            return protocol.progress(0.0, response.progress)
        case "result":
            return protocol.enrolled(0.0, response.result)
        case None:
            return None


def response_event(response: subscription_pb2.SubscribeResponse | feed_pb2.FeedResponse) -> messages.CaptureEvent | None:
    """Read a response; None if it is of a kind that this client does not know. Raises `ProtocolError` on an unknown outcome."""
    message = response.event
    news = _news(message)
    if news is None:
        return None
    return messages.CaptureEvent(
        run_id=message.run_id,
        sequence=message.sequence,
        time=message.time.ToDatetime(UTC),
        capture=message.capture,
        at=protocol.seconds(message.audio_processed),
        event=news,
    )


def capture(message: captures_pb2.Capture) -> messages.Capture:
    """Read a capture."""
    counters = message.counters
    return messages.Capture(
        name=message.name,
        device=message.device,
        state=_STATES.get(message.state, messages.CaptureState.UNSPECIFIED),
        problem=message.problem,
        captured=protocol.seconds(message.captured),
        counters=messages.CaptureCounters(counters.overruns, counters.stalls, counters.reopened, counters.clipped_samples),
    )


def device(message: captures_pb2.Device) -> messages.Device:
    """Read a device."""
    return messages.Device(message.index, message.name, message.channels, message.sample_rate_hertz, message.is_default)


def _decision(message: capture_event_pb2.CaptureEvent, decided: _Decided) -> Decision:
    return protocol.decision(protocol.seconds(message.audio_processed), decided.decision)


def _expires(decided: _Decided) -> datetime | None:
    return decided.expires.ToDatetime(UTC) if decided.HasField("expires") else None


def _news(message: capture_event_pb2.CaptureEvent) -> messages.CaptureNews | None:
    match message.WhichOneof("event"):
        case "subscribed":
            return messages.Subscribed(tuple(map(capture, message.subscribed.captures)), message.subscribed.sequence)
        case "capture_changed":
            changed = message.capture_changed
            change = _CHANGES.get(changed.change, messages.CaptureChange.UNSPECIFIED)
            return messages.CaptureChanged(change, capture(changed.capture))
        case "attempt_started":
            return messages.AttemptStarted(message.attempt_started.attempt, protocol.seconds(message.attempt_started.offset))
        case "attempt_decided":
            decided = message.attempt_decided
            return messages.AttemptDecided(decided.attempt, _decision(message, decided), _expires(decided))
        case "attempt_followed":
            followed = message.attempt_followed
            return messages.AttemptFollowed(followed.attempt, _decision(message, followed), _expires(followed))
        case "speaker_changed":
            left = message.speaker_changed
            return messages.SpeakerChanged(left.attempt, left.speaker, left.llr, protocol.evidence(left.evidence))
        case "locked":
            locked = message.locked
            return messages.Locked(locked.attempt, locked.speaker, protocol.reason(locked.reason))
        case "level":
            return messages.Level(message.level.rms_dbfs, message.level.peak_dbfs, message.level.speech)
        case None:
            return None
