"""Events of captures for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from daemon.events import (
    AttemptDecided,
    AttemptFollowed,
    AttemptStarted,
    Candidate,
    Decision,
    Evidence,
    Level,
    Locked,
    Outcome,
    Reason,
    SpeakerChanged,
)
from daemon.watch.capture_events import CaptureChange, CaptureChanged, CaptureCounters, CaptureState, CaptureStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def started(number: int = 1, at: int = 0) -> AttemptStarted:
    return AttemptStarted(at, number, at)


def decided(outcome: Outcome = Outcome.ACCEPT, speaker: str = "anna", *, final: bool = True, at: int = 0) -> AttemptDecided:
    candidates = (Candidate(speaker, 0.7),) if speaker else ()
    return AttemptDecided(at, 1, Decision(at, outcome, final, Reason.LLR_ABOVE_BOUNDARY, Evidence(), candidates))


def followed(speaker: str = "anna", *, final: bool = True, at: int = 0) -> AttemptFollowed:
    return AttemptFollowed(at, 1, decided(Outcome.ACCEPT, speaker, final=final, at=at).decision)


def speaker_changed(speaker: str = "anna") -> SpeakerChanged:
    return SpeakerChanged(0, 1, speaker, -2.0, Evidence(speech=28_800))


def locked(speaker: str = "anna") -> Locked:
    return Locked(0, 1, speaker, Reason.SPEAKER_CHANGED)


def interim(at: int = 0, speaker: str = "anna") -> AttemptDecided:
    return decided(Outcome.UNDECIDED, speaker, final=False, at=at)


def level(at: int = 0) -> Level:
    return Level(at, -30.0, -20.0, speech=False)


def changed(change: CaptureChange = CaptureChange.STARTED, name: str = "kitchen") -> CaptureChanged:
    return CaptureChanged(0, change, CaptureStatus(name, "", CaptureState.LISTENING, "", 0, CaptureCounters()))
