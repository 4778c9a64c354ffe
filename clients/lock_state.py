"""When a voice lock is open, as a state machine without threads or a clock of its own. It fails closed: only one thing opens it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from clients.acceptance import is_fresh_accept
from clients.capture_messages import (
    AttemptDecided,
    AttemptFollowed,
    Capture,
    CaptureChange,
    CaptureChanged,
    CaptureEvent,
    CaptureState,
    Locked,
    SpeakerChanged,
    Subscribed,
)
from clients.messages import Decision, Outcome, Reason
from clients.subscription import Disconnected, Gap, SubscriptionEvent

_HARMLESS: Final = frozenset(
    {
        CaptureChange.STARTED,
        CaptureChange.RECOVERED,
        CaptureChange.SILENCE_ENDED,
        CaptureChange.CLIPPING_STARTED,
        CaptureChange.CLIPPING_ENDED,
    }
)
"""What may happen to a capture while the lock is open. All else locks it, also what this client does not know."""


class LockReason(Enum):
    """Why a lock is open or locked."""

    STARTED = "STARTED"
    """Nobody was accepted yet."""
    ACCEPTED = "ACCEPTED"
    HOLD_OVER = "HOLD_OVER"
    """It was open for as long as an acceptance holds."""
    OTHER_VOICE = "OTHER_VOICE"
    """Someone else spoke, or somebody whom the daemon cannot tell from someone else."""
    DELETED = "DELETED"
    """The speaker is not enrolled any more."""
    CAPTURE_LOST = "CAPTURE_LOST"
    """The capture is not heard, or not reliably: stopped, unplugged, stalled, muted, or audio was lost."""
    DISCONNECTED = "DISCONNECTED"
    """The daemon is not reachable."""
    EVENTS_MISSED = "EVENTS_MISSED"
    """The daemon was reachable again, but what happened meanwhile is not known."""
    NO_HEARTBEAT = "NO_HEARTBEAT"
    """The program around the lock no longer runs as it should."""
    CLOSED = "CLOSED"
    FAILED = "FAILED"
    """An error ended it."""


@dataclass(frozen=True, slots=True)
class LockConfig:
    """Who opens a lock, and for how long.

    capture: the only one that counts. speakers: who opens it. hold: seconds for which an acceptance keeps it open.
    Who speaks on is accepted anew now and then, and keeps it open.
    relock_on_other_voice: lock at once when someone else speaks: when the capture decides so (REJECT, ACCEPT of another, AMBIGUOUS), and
    when another voice follows the one that was accepted.
    heartbeat: seconds within which `Lock.beat` must be called again and again for the lock to be open; None if it need not be.
    """

    capture: str
    speakers: frozenset[str]
    hold: float = 5.0
    relock_on_other_voice: bool = True
    heartbeat: float | None = None

    def __post_init__(self) -> None:
        if not self.speakers or "" in self.speakers:
            raise ValueError("name the speakers who open the lock")
        if not (0 < self.hold < math.inf and (self.heartbeat is None or 0 < self.heartbeat < math.inf)):
            raise ValueError("hold and heartbeat are seconds, more than 0")


@dataclass(frozen=True, slots=True)
class LockChange:
    """What a lock does, and why. speaker: who opened it; empty when it locks."""

    is_open: bool
    reason: LockReason
    speaker: str = ""


class LockState:
    """Whether the lock is open. It is told what is heard, and asked what to do at a time; `clock` is in seconds and never goes back."""

    def __init__(self, config: LockConfig) -> None:
        self._config = config
        self._run_id = ""
        self._sequences: dict[str, int] = {}
        self._heard = False
        self._speaker = ""
        self._hold_until = -math.inf
        self._beats_until = math.inf if config.heartbeat is None else -math.inf

    def is_open(self, clock: float) -> bool:
        """Return whether it is open now, even if nobody told it that time went by."""
        return clock < self.deadline

    @property
    def deadline(self) -> float:
        """The time at which it locks by itself, if it is open."""
        return min(self._hold_until, self._beats_until)

    def beat(self, clock: float) -> None:
        """Note that the program around the lock runs."""
        if self._config.heartbeat is not None:
            self._beats_until = clock + self._config.heartbeat

    def pass_time(self, clock: float) -> LockChange | None:
        """Lock if it is time to."""
        if self.is_open(clock):
            return None
        return self.lock(LockReason.HOLD_OVER if self._hold_until <= clock else LockReason.NO_HEARTBEAT)

    def lock(self, reason: LockReason) -> LockChange | None:
        """Lock; return what changes, None if it was locked."""
        was_open, self._speaker, self._hold_until = bool(self._speaker), "", -math.inf
        return LockChange(False, reason) if was_open else None

    def hear(self, event: SubscriptionEvent, now: datetime, clock: float) -> LockChange | None:
        """Return what an event changes. now: by this machine's calendar clock, which an acceptance's expiry is held against."""
        match event:
            case Disconnected():
                self._heard = False
                return self.lock(LockReason.DISCONNECTED)
            case Gap():
                return self.lock(LockReason.EVENTS_MISSED)
            case CaptureEvent(event=Subscribed() as subscribed):
                return self._begin(event.run_id, subscribed)
            case CaptureEvent() if self._is_next(event):
                self._sequences[event.run_id] = event.sequence
                return self._happened(event, now, clock)
            case _:
                return None

    def _begin(self, run_id: str, subscribed: Subscribed) -> LockChange | None:
        self._run_id = run_id
        # What was missed and is told now comes too late: the voice that was accepted may be gone.
        self._sequences[run_id] = max(subscribed.sequence, self._sequences.get(run_id, 0))
        return self._listen(next((capture for capture in subscribed.captures if capture.name == self._config.capture), None))

    def _is_next(self, event: CaptureEvent) -> bool:
        """Tell whether an event is later than all that were heard: what is replayed or out of order opens nothing."""
        is_later = event.run_id == self._run_id and event.sequence > self._sequences[event.run_id]
        return is_later and event.capture == self._config.capture

    def _happened(self, event: CaptureEvent, now: datetime, clock: float) -> LockChange | None:
        match event.event:
            case CaptureChanged(change, capture):
                return self._listen(capture if change in _HARMLESS else None)
            case SpeakerChanged():
                return self._other_voice()
            case Locked(reason=reason):
                return self._not_accepted(reason)
            case AttemptDecided(decision=decision) | AttemptFollowed(decision=decision) if decision.final:
                if self._opens(decision):
                    return self._open(decision.speaker, clock) if self._heard and is_fresh_accept(event, now) else None
                return self._decided_otherwise(decision)
            case _:
                return None

    def _listen(self, capture: Capture | None) -> LockChange | None:
        self._heard = capture is not None and capture.state is CaptureState.LISTENING
        return None if self._heard else self.lock(LockReason.CAPTURE_LOST)

    def _opens(self, decision: Decision) -> bool:
        return decision.outcome is Outcome.ACCEPT and decision.speaker in self._config.speakers

    def _open(self, speaker: str, clock: float) -> LockChange | None:
        if self._beats_until <= clock:
            return None
        was_open_for, self._speaker, self._hold_until = self._speaker, speaker, clock + self._config.hold
        return None if was_open_for == speaker else LockChange(True, LockReason.ACCEPTED, speaker)

    def _decided_otherwise(self, decision: Decision) -> LockChange | None:
        return None if decision.outcome is Outcome.UNDECIDED else self._other_voice()

    def _other_voice(self) -> LockChange | None:
        return self.lock(LockReason.OTHER_VOICE) if self._config.relock_on_other_voice else None

    def _not_accepted(self, reason: Reason) -> LockChange | None:
        match reason:
            case Reason.VOICE_LOST:
                # Who was accepted has finished speaking: the lock is held open for them.
                return None
            case Reason.SPEAKER_CHANGED:
                return self._other_voice()
            case _:
                return self.lock(LockReason.DELETED)
