"""What programs see of captures and subscriptions: the fields that `--json` prints; times in seconds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from clients.capture_messages import (
    AttemptDecided,
    AttemptFollowed,
    AttemptStarted,
    Capture,
    CaptureChanged,
    CaptureEvent,
    CaptureNews,
    Device,
    Level,
    Locked,
    SpeakerChanged,
    Subscribed,
)
from clients.cli.fields import Fields, decision_fields, evidence_fields
from clients.subscription import Disconnected, Gap, SubscriptionEvent

_KINDS: Final = {
    Subscribed: "subscribed",
    CaptureChanged: "capture_changed",
    AttemptStarted: "attempt_started",
    AttemptDecided: "attempt_decided",
    AttemptFollowed: "attempt_followed",
    SpeakerChanged: "speaker_changed",
    Locked: "locked",
    Level: "level",
}


def capture_fields(capture: Capture) -> Fields:
    """Return those of a capture."""
    return {
        "capture": capture.name,
        "device": capture.device,
        "state": capture.state.value,
        "problem": capture.problem,
        "captured_seconds": capture.captured,
        **asdict(capture.counters),
    }


def device_fields(device: Device) -> Fields:
    """Return those of a device."""
    return {
        "device": device.name,
        "index": device.index,
        "channels": device.channels,
        "sample_rate_hertz": device.rate,
        "default": device.is_default,
    }


def subscription_fields(event: SubscriptionEvent) -> Fields:
    """Return those of what a subscription tells."""
    match event:
        case Disconnected():
            error = {"reason": event.error.reason, "message": str(event.error)}
            return {"event": "disconnected", **error, "retry_seconds": event.retry}
        case Gap():
            return {"event": "gap", "restarted": event.restarted}
        case CaptureEvent():
            return {
                "event": _KINDS[type(event.event)],
                "run_id": event.run_id,
                "sequence": event.sequence,
                "time": event.time.isoformat(),
                "capture": event.capture,
                "audio_seconds": event.at,
                **_news_fields(event.event),
            }


def _news_fields(news: CaptureNews) -> Fields:
    match news:
        case Subscribed():
            return {"sequence": news.sequence, "captures": [capture_fields(capture) for capture in news.captures]}
        case CaptureChanged():
            return {"change": news.change.value, **capture_fields(news.capture)}
        case AttemptStarted():
            return {"attempt": news.attempt, "offset_seconds": news.offset}
        case AttemptDecided() | AttemptFollowed():
            expires = news.expires.isoformat() if news.expires else None
            return {"attempt": news.attempt, **decision_fields(news.decision), "expires": expires}
        case SpeakerChanged():
            return {"attempt": news.attempt, "speaker": news.speaker, "llr": news.llr, **evidence_fields(news.evidence)}
        case Locked():
            return {"attempt": news.attempt, "speaker": news.speaker, "reason": news.reason.value}
        case Level():
            return asdict(news)
