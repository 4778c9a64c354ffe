"""How the live screen changes: a pure function of its state and of what reaches it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from clients.capture_messages import (
    AttemptDecided,
    AttemptFollowed,
    AttemptStarted,
    CaptureChange,
    CaptureChanged,
    CaptureEvent,
    Level,
    Locked,
    SpeakerChanged,
    Subscribed,
)
from clients.live.dialogs import pressed
from clients.live.model import (
    Command,
    Deleted,
    Ended,
    Enrolling,
    EnrollmentFailed,
    Failed,
    Known,
    ListSpeakers,
    Message,
    Pressed,
    State,
    Verdict,
)
from clients.messages import Decision, Enrolled, EnrollmentProgress, Outcome
from clients.subscription import Disconnected, Gap
from clients.words import similar

NOTICE_SECONDS: Final = 12.0
"""A notice can be read for so long."""
_SILENCE: Final = {CaptureChange.SILENCE_STARTED: True, CaptureChange.SILENCE_ENDED: False}
_CLIPPING: Final = {CaptureChange.CLIPPING_STARTED: True, CaptureChange.CLIPPING_ENDED: False}
_INTERRUPTIONS: Final = {CaptureChange.STARTED, CaptureChange.STOPPED, CaptureChange.LOST, CaptureChange.STALLED, CaptureChange.FAILED}


def update(state: State, message: Message) -> tuple[State, Command | None]:
    """Return the state after a message, and what is to be done because of it."""
    match message:
        case CaptureEvent():
            return _heard(state, message)
        case Pressed():
            return pressed(state, message.key)
        case EnrollmentProgress() | Enrolled() | EnrollmentFailed():
            return _enrollment(state, message)
        case Disconnected():
            return replace(_deaf(state), error=message.error), None
        case Ended():
            return replace(_deaf(state), ended=True, error=message.error, dialog=None), None
        case Gap():
            # What may be missing would have been seen and gone by now.
            return state, None
    return _done(state, message)


def _enrollment(state: State, news: EnrollmentProgress | Enrolled | EnrollmentFailed) -> tuple[State, Command | None]:
    enrolling = state.dialog if isinstance(state.dialog, Enrolling) else None
    after = state if enrolling is None else replace(state, dialog=None)
    match news:
        case Enrolled():
            return after.noted(_enrolled(news)), ListSpeakers()
        case EnrollmentProgress() if enrolling is not None:
            return replace(state, dialog=replace(enrolling, progress=news)), None
        case EnrollmentFailed() if enrolling is not None:
            return after.noted(f"Nobody was enrolled: {news.why}."), None
    # It was given up meanwhile.
    return state, None


def _enrolled(news: Enrolled) -> str:
    """Return that somebody is enrolled, and what is to be known of it before all."""
    name = news.speaker.name
    if news.similar_voices:
        return f"{name} is enrolled, but close to {similar(news.similar_voices[0])}."
    problems = [f"recording {number}: {quality.advice}" for number, quality in enumerate(news.recordings, 1) if quality.advice]
    return f"{name} is enrolled, but {problems[0]}." if problems else f"{name} is enrolled: say something else now."


def _done(state: State, outcome: Known | Deleted | Failed) -> tuple[State, Command | None]:
    match outcome:
        case Known():
            return replace(state, speakers=outcome.speakers), None
        case Deleted():
            return state.noted(f"{outcome.name} is forgotten, with everything derived from their voice."), ListSpeakers()
        case Failed():
            return state.noted(f"That was not done: {outcome.why}."), None


def _heard(state: State, event: CaptureEvent) -> tuple[State, Command | None]:
    if isinstance(event.event, Subscribed):
        known = {capture.name: capture for capture in event.event.captures}
        return replace(state, capture=known.get(state.source.capture, state.capture), error=None), ListSpeakers()
    state = _at(state, event.at)
    match event.event:
        case CaptureChanged():
            return _changed(state, event.event), None
        case Level():
            return _level(state, event.event), None
        case AttemptStarted():
            return replace(state, speaking=event.event.offset, running=None, followed=""), None
        case AttemptDecided(decision=decision):
            return _decided(state, decision)
        case AttemptFollowed(decision=decision):
            return _scored(state, decision), None
        case SpeakerChanged(speaker=speaker):
            return replace(state, followed="").noted(f"Somebody else speaks now than {speaker}."), None
        case Locked():
            return replace(state, followed=""), None


def _at(state: State, at: float) -> State:
    notice = state.notice if state.notice and 0.0 <= at - state.notice.at < NOTICE_SECONDS else None
    return replace(state, at=at, notice=notice)


def _changed(state: State, changed: CaptureChanged) -> State:
    state = replace(
        state,
        capture=changed.capture,
        silent=_SILENCE.get(changed.change, state.silent),
        clipping=_CLIPPING.get(changed.change, state.clipping),
    )
    if changed.change in _INTERRUPTIONS:
        return _deaf(state)
    return state


def _deaf(state: State) -> State:
    """Return the state without what is only so while something is heard."""
    return replace(state, level=None, speaking=None, running=None, followed="", silent=False, clipping=False)


def _level(state: State, level: Level) -> State:
    state = replace(state, level=level, history=state.history.heard(state.at, level))
    if not (level.speech and isinstance(state.dialog, Enrolling)):
        return state
    peaks = [peak for peak in (state.dialog.peak, level.peak_dbfs) if peak is not None]
    return replace(state, dialog=replace(state.dialog, peak=max(peaks)))


def _scored(state: State, decision: Decision) -> State:
    if not decision.candidates:
        # What was scored last stays to be seen until something else is.
        return state
    # The boundaries depend on how many speakers are told apart.
    ratios = {candidate.speaker: candidate.llr for candidate in decision.candidates}
    accept, reject = decision.llr - decision.margin_accept, decision.llr - decision.margin_reject
    return replace(state, ratios=ratios, scoring=replace(state.scoring, accept=accept, reject=reject))


def _decided(state: State, decision: Decision) -> tuple[State, Command | None]:
    state = _scored(state, decision)
    if not decision.final:
        return replace(state, running=decision), None
    seconds = None if state.speaking is None else decision.at - state.speaking
    history = state.history.decided(state.at, decision)
    followed = decision.speaker if decision.outcome is Outcome.ACCEPT else ""
    state = replace(state, speaking=None, running=None, followed=followed, verdict=Verdict(decision, seconds), history=history)
    # Who is enrolled may have changed by other hands: what is shown is no older than the last decision.
    return state, ListSpeakers()
