"""What `--json` prints: one object per line; times in seconds."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Final, TextIO

from clients.capture_messages import Capture, CaptureEvent, Device
from clients.cli.capture_fields import capture_fields, device_fields, subscription_fields
from clients.cli.fields import event_fields, speaker_fields
from clients.cli.output import Event, Item, leave_unread
from clients.demo.streams import StreamResult
from clients.messages import Decision, Enrolled, EnrollmentProgress, Speaker, SpeechEnded, SpeechStarted, Status
from clients.scenarios.report import Attempt, Report
from clients.scenarios.timeline import Timeline
from clients.subscription import Disconnected, Gap

_KINDS: Final = {
    SpeechStarted: "speech_started",
    SpeechEnded: "speech_ended",
    Decision: "decision",
    EnrollmentProgress: "enrollment_progress",
    Enrolled: "enrolled",
}


class JsonLines:
    """Output for programs."""

    watched = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def live(self) -> AbstractContextManager[object]:
        """Do nothing: there is no progress to show."""
        return nullcontext()

    def event(self, event: Event) -> None:
        """Print an event as it comes."""
        self.show(event)

    def progress(self, event: Event, label: str) -> None:
        """Print nothing: only results are asked for."""

    def note(self, text: str) -> None:
        """Print nothing: notes are for people."""

    def show(self, item: Item) -> None:
        """Print a result."""
        self._print(describe(item))

    def deleted(self, name: str) -> None:
        """Print that a speaker is forgotten."""
        self._print({"deleted": name})

    def error(self, reason: str, message: str) -> None:
        """Print an error."""
        self._print({"error": {"reason": reason, "message": message}})

    def _print(self, fields: dict[str, object]) -> None:
        # Flushed per line: whoever reads wants each event when it happens.
        try:
            print(json.dumps(fields, ensure_ascii=False), file=self._stream, flush=True)
        except BrokenPipeError:
            leave_unread()


def describe(item: Item) -> dict[str, object]:
    """Return the fields of an item under the names that programs see."""
    match item:
        case Speaker():
            return speaker_fields(item)
        case Status():
            return {"uptime_seconds" if name == "uptime" else name: value for name, value in asdict(item).items()}
        case Capture():
            return capture_fields(item)
        case Device():
            return device_fields(item)
        case CaptureEvent() | Disconnected() | Gap():
            return subscription_fields(item)
        case StreamResult():
            return _stream(item)
        case Timeline():
            return _timeline(item)
        case Attempt():
            return _attempt(item)
        case Report():
            return _report(item)
        case _:
            return {"event": _KINDS[type(item)], "audio_seconds": item.at, **event_fields(item)}


def _stream(result: StreamResult) -> dict[str, object]:
    return {
        "stream": result.stream.name,
        "expected": result.stream.expected.value,
        "decision": result.decision.outcome.value,
        "score": result.decision.score,
        "llr": result.decision.llr,
        "speech_seconds": result.decision.evidence.speech,
        "reason": result.decision.reason.value,
    }


def _timeline(timeline: Timeline) -> dict[str, object]:
    parts = [{"part": span.label, "start_seconds": span.start, "end_seconds": span.end} for span in timeline.spans]
    return {"parts": parts, "audio_seconds": timeline.seconds}


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "event": "attempt",
        "attempt": attempt.number,
        "audio_seconds": attempt.at,
        "offset_seconds": attempt.began,
        "decision": attempt.outcome.value,
        "reason": attempt.reason.value,
        "speaker": attempt.speaker,
        "of_scenario": attempt.known,
        "score": attempt.score,
        "llr": attempt.llr,
        "posterior": attempt.posterior,
        "margin_accept": attempt.margin_accept,
        "margin_reject": attempt.margin_reject,
        "speech_seconds": attempt.speech,
    }


def _report(report: Report) -> dict[str, object]:
    return {
        "scenario": report.title,
        "passed": report.passed,
        "model_id": report.model_id,
        "audio_seconds": report.seconds,
        "other_speakers": report.others,
        "checks": [asdict(check) for check in report.checks],
    }
