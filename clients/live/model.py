"""What the live screen knows: its state, what reaches it, and what it wants done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from clients.capture_messages import Capture, Level
from clients.errors import ClientError
from clients.live.history import History
from clients.messages import Decision, EnrollmentEvent, EnrollmentProgress, EnrollMode
from clients.subscription import SubscriptionEvent


@dataclass(frozen=True, slots=True)
class Source:
    """What is listened to.

    title: what to call it. capture: its name for the daemon. own: the daemon was started for this screen, and forgets everyone with
    it. recorded: it ends, as files do.
    """

    title: str
    capture: str
    own: bool = False
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Scoring:
    """How the daemon decides: its model, and the LLR from which on it accepts and that up to which it rejects, in the newest attempt."""

    model_id: str
    accept: float
    reject: float


@dataclass(frozen=True, slots=True)
class AskName:
    """Who speaks? text: typed so far."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Someone is being enrolled. began: where in the audio. progress: the newest. peak: highest level of their speech, in dBFS."""

    name: str
    mode: EnrollMode
    began: float
    progress: EnrollmentProgress | None = None
    peak: float | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """Who is to be deleted? index: among the speakers by name."""

    index: int = 0


@dataclass(frozen=True, slots=True)
class Confirm:
    """Is `name` really to be deleted?"""

    name: str


Dialog = AskName | Enrolling | Choose | Confirm


@dataclass(frozen=True, slots=True)
class Verdict:
    """The last final decision. seconds: of audio from the start of the speech to it; None if the start was not heard."""

    decision: Decision
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What came of the last thing that was asked for; at: when, in seconds of audio."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the screen shows.

    capture: how it is, None until the subscription stands. at: position in the audio. speakers: the enrolled, by name.
    level: None until there is one. silent, clipping: nothing but zeros is heard, or samples at full scale.
    speaking: where the attempt began that goes on, None between two. running: its newest decision, which is not final.
    followed: who was accepted and speaks on; empty if nobody does.
    ratios: LLR by speaker, as far as the newest decision names them. verdict: of the last attempt. error: why nothing is heard.
    ended: nothing more will be heard.
    """

    source: Source
    scoring: Scoring
    speakers: tuple[str, ...] = ()
    capture: Capture | None = None
    at: float = 0.0
    level: Level | None = None
    silent: bool = False
    clipping: bool = False
    speaking: float | None = None
    running: Decision | None = None
    followed: str = ""
    ratios: Mapping[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None
    history: History = field(default_factory=History)
    dialog: Dialog | None = None
    notice: Notice | None = None
    error: ClientError | None = None
    ended: bool = False

    def noted(self, text: str) -> State:
        """Return the state with a notice."""
        return replace(self, notice=Notice(text, self.at))


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key: the character, or enter, escape, backspace, up, down."""

    key: str


@dataclass(frozen=True, slots=True)
class Known:
    """Who is enrolled, by name."""

    speakers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """A speaker is forgotten."""

    name: str


@dataclass(frozen=True, slots=True)
class EnrollmentFailed:
    """Nobody was enrolled, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Something else that was asked for was not done, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will be heard. error: why, if it should not have ended."""

    error: ClientError | None = None


Message = SubscriptionEvent | EnrollmentEvent | Pressed | Known | Deleted | EnrollmentFailed | Failed | Ended


@dataclass(frozen=True, slots=True)
class Enroll:
    """Enroll whoever speaks next."""

    name: str
    mode: EnrollMode


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Give the enrollment up that goes on."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Forget a speaker."""

    name: str


@dataclass(frozen=True, slots=True)
class ListSpeakers:
    """Find out who is enrolled."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


Command = Enroll | GiveUp | Delete | ListSpeakers | Quit
