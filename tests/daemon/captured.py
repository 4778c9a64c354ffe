"""Events of captures for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from daemon.capture_events import CaptureChange, CaptureChanged, CaptureCounters, CaptureState, CaptureStatus
from daemon.events import AttemptDecided, AttemptStarted, Candidate, Decision, Evidence, Level, Outcome, Reason

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def started(number: int = 1, at: int = 0) -> AttemptStarted:
    return AttemptStarted(at, number, at)


def decided(outcome: Outcome = Outcome.ACCEPT, speaker: str = "anna", *, final: bool = True, at: int = 0) -> AttemptDecided:
    candidates = (Candidate(speaker, 0.7),) if speaker else ()
    return AttemptDecided(at, 1, Decision(at, outcome, final, Reason.SCORE_ABOVE_THRESHOLD, Evidence(), candidates))


def interim(at: int = 0, speaker: str = "anna") -> AttemptDecided:
    return decided(Outcome.UNDECIDED, speaker, final=False, at=at)


def level(at: int = 0) -> Level:
    return Level(at, -30.0, -20.0, speech=False)


def changed(change: CaptureChange = CaptureChange.STARTED, name: str = "kitchen") -> CaptureChanged:
    return CaptureChanged(0, change, CaptureStatus(name, "", CaptureState.LISTENING, "", 0, CaptureCounters()))
