"""How a capture is, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from daemon.events import AttemptDecided, AttemptEvent, AttemptFollowed, Level


class CaptureState(Enum):
    """Whether a capture is heard; the names are those of the API."""

    STOPPED = "STOPPED"
    LISTENING = "LISTENING"
    WAITING = "WAITING"
    FAILED = "FAILED"


class CaptureChange(Enum):
    """What became of a capture; the names are those of the API."""

    STARTED = "STARTED"
    STOPPED = "STOPPED"
    OVERRUN = "OVERRUN"
    STALLED = "STALLED"
    LOST = "LOST"
    RECOVERED = "RECOVERED"
    FAILED = "FAILED"
    SILENCE_STARTED = "SILENCE_STARTED"
    SILENCE_ENDED = "SILENCE_ENDED"
    CLIPPING_STARTED = "CLIPPING_STARTED"
    CLIPPING_ENDED = "CLIPPING_ENDED"


@dataclass(frozen=True, slots=True)
class CaptureCounters:
    """What went wrong since the capture was started; clipped_samples: at full scale, as the device delivered them."""

    overruns: int = 0
    stalls: int = 0
    reopened: int = 0
    clipped_samples: int = 0


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """A capture as it is now. device: as configured, empty for a feed. captured: samples at 16 kHz that were heard since it was started."""

    name: str
    device: str
    state: CaptureState
    problem: str
    captured: int
    counters: CaptureCounters


@dataclass(frozen=True, slots=True)
class CaptureChanged:
    """A capture's state changed, or something went wrong with its audio; status: how it is now."""

    at: int
    change: CaptureChange
    status: CaptureStatus


Published = AttemptEvent | Level | CaptureChanged
"""What is told of captures."""


@dataclass(frozen=True, slots=True)
class CaptureEvent:
    """What is told of a capture, as it is published.

    run_id: the run of the daemon. sequence: the event's number among those that are kept in this run, 0 if it is not kept. expires: until
    when a final ACCEPT may be acted on, None for everything else.
    """

    run_id: str
    sequence: int
    time: datetime
    capture: str
    event: Published
    expires: datetime | None = None


def is_passing(event: Published) -> bool:
    """Tell whether `event` is soon outdated: an interim decision or a level. Such are not kept, and left out where there is no room."""
    return isinstance(event, Level) or (isinstance(event, AttemptDecided | AttemptFollowed) and not event.decision.final)
