"""What a client hears of the daemon's captures, and what it asks of them: frozen dataclasses of its own, all times in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from clients.messages import Decision, Evidence, Reason


class CaptureState(Enum):
    """How a capture is."""

    STOPPED = "STOPPED"
    LISTENING = "LISTENING"
    """The device is open and delivers audio."""
    WAITING = "WAITING"
    """The device is gone or stalled: the daemon tries to open it again."""
    FAILED = "FAILED"
    """The device did not come back in time: start the capture again by hand."""
    UNSPECIFIED = "UNSPECIFIED"
    """One that this client does not know: the daemon is newer. Not to be read as LISTENING."""


class CaptureChange(Enum):
    """What happened to a capture."""

    STARTED = "STARTED"
    STOPPED = "STOPPED"
    OVERRUN = "OVERRUN"
    """Audio was lost."""
    STALLED = "STALLED"
    """Nothing was delivered for too long."""
    LOST = "LOST"
    """The device is gone or cannot be opened."""
    RECOVERED = "RECOVERED"
    """The device is open again."""
    FAILED = "FAILED"
    """It did not come back: the daemon no longer tries."""
    SILENCE_STARTED = "SILENCE_STARTED"
    """Nothing but zeros: a muted microphone."""
    SILENCE_ENDED = "SILENCE_ENDED"
    CLIPPING_STARTED = "CLIPPING_STARTED"
    """The level is too high: samples at full scale."""
    CLIPPING_ENDED = "CLIPPING_ENDED"
    UNSPECIFIED = "UNSPECIFIED"
    """One that this client does not know: the daemon is newer."""


@dataclass(frozen=True, slots=True)
class SubscribeConfig:
    """Which events to be told of.

    captures: only of these; none stands for all. decisions_only: only final decisions and changes of a capture's state.
    speaker: only decisions about them. minimum_interval: leave out interim decisions and levels that follow the last one of their
    capture sooner than this many seconds of its audio. levels: hear them too.
    after: go on after the event with this sequence, of the run of the daemon that run_id names; 0 begins now.
    A capture need not exist yet: a feed may come and go.
    """

    captures: Sequence[str] = ()
    decisions_only: bool = False
    speaker: str = ""
    minimum_interval: float = 0.0
    levels: bool = False
    after: int = 0
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """A capture whose audio this client sends. capture: its name, which no other may have. interim, levels: hear them too."""

    capture: str
    interim: bool = True
    levels: bool = False


@dataclass(frozen=True, slots=True)
class CaptureCounters:
    """What went wrong since a capture was started.

    overruns: times that audio was lost because the machine was too slow. stalls: times that the device delivered nothing for
    too long. reopened: times that it was opened again. clipped_samples: samples at full scale.
    """

    overruns: int = 0
    stalls: int = 0
    reopened: int = 0
    clipped_samples: int = 0


@dataclass(frozen=True, slots=True)
class Capture:
    """A source that the daemon hears. device: as configured, empty for the default. captured: heard since it was started.

    problem: why it waits or failed, and what to do; empty otherwise.
    """

    name: str
    device: str
    state: CaptureState
    problem: str
    captured: float
    counters: CaptureCounters


@dataclass(frozen=True, slots=True)
class Device:
    """An input device. rate: its own, in hertz."""

    index: int
    name: str
    channels: int
    rate: int
    is_default: bool


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The subscription stands: every later event comes. sequence: the newest at this moment; resume after it."""

    captures: tuple[Capture, ...]
    sequence: int


@dataclass(frozen=True, slots=True)
class CaptureChanged:
    """The state of a capture changed, or something went wrong with its audio. capture: how it is now."""

    change: CaptureChange
    capture: Capture


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """Someone speaks, from `offset` on. attempt: counts those of its capture in this run of the daemon."""

    attempt: int
    offset: float


@dataclass(frozen=True, slots=True)
class AttemptDecided:
    """What the daemon makes of an attempt. expires: until when a final ACCEPT may be acted on, by the daemon's clock; else None."""

    attempt: int
    decision: Decision
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptFollowed:
    """Who was accepted in an attempt speaks on: what the daemon makes of their latest speech alone.

    A final decision accepts them anew, and has an expiry as in `AttemptDecided`; it does not end the attempt.
    """

    attempt: int
    decision: Decision
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class SpeakerChanged:
    """Someone else speaks now than `speaker`, who was accepted in the attempt: act on that acceptance no longer.

    llr: of their voice in the latest speech; evidence: of that speech.
    """

    attempt: int
    speaker: str
    llr: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Locked:
    """Nobody is accepted any more; `speaker` was, in the attempt. reason: SPEAKER_CHANGED, VOICE_LOST (a pause) or SPEAKER_DELETED."""

    attempt: int
    speaker: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Level:
    """How loud it is, relative to full scale, and whether someone speaks."""

    rms_dbfs: float
    peak_dbfs: float
    speech: bool


CaptureNews = Subscribed | CaptureChanged | AttemptStarted | AttemptDecided | AttemptFollowed | SpeakerChanged | Locked | Level


@dataclass(frozen=True, slots=True)
class CaptureEvent:
    """What a capture hears, or what becomes of it.

    run_id: names this run of the daemon; sequences of different runs cannot be compared. sequence: rises with every event that the
    daemon keeps for those who reconnect; 0 in `Subscribed`, interim decisions and levels. time: by the daemon's clock.
    capture: empty in `Subscribed`. at: position in what it heard since it was started.
    """

    run_id: str
    sequence: int
    time: datetime
    capture: str
    at: float
    event: CaptureNews
