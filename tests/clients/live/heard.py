"""What a live screen hears in tests: events of a capture, and states made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from math import exp

from clients.capture_messages import (
    AttemptDecided,
    AttemptStarted,
    Capture,
    CaptureChange,
    CaptureChanged,
    CaptureCounters,
    CaptureEvent,
    CaptureNews,
    CaptureState,
    Level,
    Subscribed,
)
from clients.live.model import Command, Message, Pressed, Scoring, Source, State
from clients.live.update import update
from clients.messages import Candidate, Decision, Enrolled, EnrollmentProgress, Evidence, Outcome, Reason, Speaker

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCEPT, REJECT = 4.0, -2.0
START = State(Source("kitchen", "kitchen"), Scoring("edge-1", accept=ACCEPT, reject=REJECT), ("ada", "bob"))
REASONS = {
    Outcome.ACCEPT: Reason.LLR_ABOVE_BOUNDARY,
    Outcome.REJECT: Reason.LLR_BELOW_BOUNDARY,
    Outcome.UNDECIDED: Reason.LLR_BETWEEN_BOUNDARIES,
    Outcome.AMBIGUOUS: Reason.SPEAKERS_TOO_CLOSE,
}


def event(at: float, news: CaptureNews) -> CaptureEvent:
    return CaptureEvent("run", 0, NOW, "kitchen", at, news)


def level(at: float, rms: float = -20.0, *, peak: float = -10.0, speech: bool = True) -> CaptureEvent:
    return event(at, Level(rms, peak, speech))


def started(at: float, offset: float) -> CaptureEvent:
    return event(at, AttemptStarted(1, offset))


def decision(
    at: float, outcome: Outcome = Outcome.ACCEPT, *, final: bool = True, expected: float | None = None, **ratios: float
) -> Decision:
    """Return a decision with these log-likelihood ratios, best first. expected: further speech."""
    candidates = tuple(Candidate(name, 0.5, llr) for name, llr in ratios.items())
    name, score, best = (candidates[0].speaker, 0.5, candidates[0].llr) if candidates else ("", 0.0, 0.0)
    return Decision(
        at=at,
        outcome=outcome,
        final=final,
        reason=REASONS[outcome],
        speaker=name,
        score=score,
        llr=best,
        posterior=1 / (1 + exp(-best)),
        margin_accept=best - ACCEPT if candidates else 0.0,
        margin_reject=best - REJECT if candidates else 0.0,
        expected_speech=expected,
        evidence=Evidence(1.2, 20.0, 0.0, 7000.0, 0.9),
        candidates=candidates,
    )


def decided(
    at: float, outcome: Outcome = Outcome.ACCEPT, *, final: bool = True, expected: float | None = None, **ratios: float
) -> CaptureEvent:
    return event(at, AttemptDecided(1, decision(at, outcome, final=final, expected=expected, **ratios), NOW))


def capture(state: CaptureState = CaptureState.LISTENING, problem: str = "") -> Capture:
    return Capture("kitchen", "", state, problem, 0.0, CaptureCounters())


def changed(at: float, change: CaptureChange, how: Capture | None = None) -> CaptureEvent:
    return event(at, CaptureChanged(change, how or capture()))


def subscribed(how: Capture | None = None) -> CaptureEvent:
    return replace(event(0.0, Subscribed((how or capture(),), 7)), capture="")


def progress(speech: float, needed: float, evidence: Evidence | None = None) -> EnrollmentProgress:
    return EnrollmentProgress(0.0, 1, evidence or Evidence(speech, 20.0, 0.0, 7000.0), speech, needed)


def enrolled(name: str) -> Enrolled:
    return Enrolled(0.0, Speaker(name, "edge-1", 1, 2.5, NOW, NOW), ())


def after(state: State, *messages: Message) -> State:
    """Return the state that messages lead to."""
    return reduce(lambda now, message: update(now, message)[0], messages, state)


def keys(*names: str) -> Sequence[Pressed]:
    return [Pressed(name) for name in names]


def command(state: State, message: Message) -> Command | None:
    """Return what a message asks for."""
    return update(state, message)[1]
