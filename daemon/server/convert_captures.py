"""Messages about captures, from the daemon's own types."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from daemon.capture.devices import Device
from daemon.events import AttemptDecided, AttemptFollowed, AttemptStarted, Level, Locked, SpeakerChanged
from daemon.server import convert
from daemon.watch.capture_events import CaptureChange, CaptureChanged, CaptureEvent, CaptureState, CaptureStatus
from proto.speakerd.v1 import capture_event_pb2, captures_pb2

_STATES: Final = {state: captures_pb2.CaptureState.Value(f"CAPTURE_STATE_{state.name}") for state in CaptureState}
_CHANGES: Final = {change: capture_event_pb2.CaptureChange.Value(f"CAPTURE_CHANGE_{change.name}") for change in CaptureChange}


def capture(status: CaptureStatus) -> captures_pb2.Capture:
    """Return the message of a capture."""
    counters = status.counters
    return captures_pb2.Capture(
        name=status.name,
        device=status.device,
        state=_STATES[status.state],
        problem=status.problem,
        captured=convert.duration(status.captured),
        counters=captures_pb2.CaptureCounters(
            overruns=counters.overruns, stalls=counters.stalls, reopened=counters.reopened, clipped_samples=counters.clipped_samples
        ),
    )


def device(of: Device) -> captures_pb2.Device:
    """Return the message of an input device."""
    return captures_pb2.Device(index=of.index, name=of.name, channels=of.channels, sample_rate_hertz=of.rate, is_default=of.default)


def capture_event(told: CaptureEvent) -> capture_event_pb2.CaptureEvent:
    """Return the message of an event."""
    message = capture_event_pb2.CaptureEvent(
        run_id=told.run_id,
        sequence=told.sequence,
        time=_timestamp(told.time),
        capture=told.capture,
        audio_processed=convert.duration(told.event.at),
    )
    match told.event:
        case CaptureChanged(change=change, status=status):
            message.capture_changed.CopyFrom(capture_event_pb2.CaptureChanged(change=_CHANGES[change], capture=capture(status)))
        case AttemptStarted(attempt=attempt, offset=offset):
            message.attempt_started.CopyFrom(capture_event_pb2.AttemptStarted(attempt=attempt, offset=convert.duration(offset)))
        case AttemptDecided(attempt=attempt, decision=decision):
            decided = capture_event_pb2.AttemptDecided(attempt=attempt, decision=convert.decision(decision), expires=_expires(told))
            message.attempt_decided.CopyFrom(decided)
        case AttemptFollowed(attempt=attempt, decision=decision):
            followed = capture_event_pb2.AttemptFollowed(attempt=attempt, decision=convert.decision(decision), expires=_expires(told))
            message.attempt_followed.CopyFrom(followed)
        case SpeakerChanged(attempt=attempt, speaker=speaker, llr=llr, evidence=evidence):
            heard = convert.evidence(evidence)
            message.speaker_changed.CopyFrom(capture_event_pb2.SpeakerChanged(attempt=attempt, speaker=speaker, llr=llr, evidence=heard))
        case Locked(attempt=attempt, speaker=speaker, reason=reason):
            message.locked.CopyFrom(capture_event_pb2.Locked(attempt=attempt, speaker=speaker, reason=convert.reason(reason)))
        case Level(rms=rms, peak=peak, speech=speech):
            message.level.CopyFrom(capture_event_pb2.Level(rms_dbfs=rms, peak_dbfs=peak, speech=speech))
    return message


def subscribed(captures: tuple[CaptureStatus, ...], run_id: str, sequence: int, time: datetime) -> capture_event_pb2.CaptureEvent:
    """Return the message that a subscription stands: with how the captures are, and the newest sequence of this run."""
    body = capture_event_pb2.Subscribed(captures=[capture(status) for status in captures], sequence=sequence)
    return capture_event_pb2.CaptureEvent(run_id=run_id, time=_timestamp(time), subscribed=body)


def _expires(told: CaptureEvent) -> Timestamp | None:
    return _timestamp(told.expires) if told.expires else None


def _timestamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
