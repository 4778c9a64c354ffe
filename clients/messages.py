"""What a client says and hears: frozen dataclasses of its own, all times in seconds.

They mirror the messages of `proto/speakerd/v1`, so that a program never touches protobuf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Outcome(Enum):
    """What becomes of an attempt."""

    ACCEPT = "ACCEPT"
    """An enrolled speaker."""
    REJECT = "REJECT"
    """None of the speakers asked for."""
    UNDECIDED = "UNDECIDED"
    """The evidence does not decide; never to be read as either of the above."""
    AMBIGUOUS = "AMBIGUOUS"
    """Two enrolled speakers fit nearly equally well: see the candidates."""


class Reason(Enum):
    """Why an outcome is what it is."""

    SCORE_ABOVE_THRESHOLD = "SCORE_ABOVE_THRESHOLD"
    SCORE_BELOW_THRESHOLD = "SCORE_BELOW_THRESHOLD"
    SCORE_BETWEEN_THRESHOLDS = "SCORE_BETWEEN_THRESHOLDS"
    NO_SPEECH = "NO_SPEECH"
    NOT_ENOUGH_SPEECH = "NOT_ENOUGH_SPEECH"
    SPEAKERS_TOO_CLOSE = "SPEAKERS_TOO_CLOSE"
    NO_SPEAKERS_ENROLLED = "NO_SPEAKERS_ENROLLED"
    UNSPECIFIED = "UNSPECIFIED"
    """One that this client does not know: the daemon is newer."""


class EnrollMode(Enum):
    """What to do about a name that is enrolled already."""

    CREATE = "CREATE"
    """The name must be new."""
    REPLACE = "REPLACE"
    """What was enrolled under the name is forgotten."""
    ADD = "ADD"
    """The recordings are added to what is enrolled under the name."""


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """An attempt: whose voice to expect, and when to decide.

    speakers: the enrolled speakers to tell apart; one name verifies a claim, none searches all.
    interim: hear decisions that are not final as the evidence grows.
    wait_for_end: decide when the audio ends and not before.
    candidates: how many speakers a decision names at most; 0 leaves it to the daemon.
    request_id: names the attempt in the daemon's log; the daemon makes one up if it is empty.
    """

    speakers: Sequence[str] = ()
    interim: bool = True
    wait_for_end: bool = False
    candidates: int = 0
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class EnrollConfig:
    """An enrollment of one speaker. allow_similar: even if the voice resembles one enrolled under another name."""

    speaker: str
    mode: EnrollMode = EnrollMode.CREATE
    allow_similar: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence behind a decision.

    speech: net speech in seconds. snr_db: speech over background. clipped_fraction: share of speech samples at full scale.
    bandwidth_hertz: highest frequency that carries speech.
    """

    speech: float
    snr_db: float
    clipped_fraction: float
    bandwidth_hertz: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled speaker and how well the voice fits them, -1 to 1."""

    speaker: str
    score: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech begins `offset` seconds into the audio; known after `at` seconds of it."""

    at: float
    offset: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Speech ended `offset` seconds into the audio; known after `at` seconds of it."""

    at: float
    offset: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What the daemon makes of the voice, resting on the first `at` seconds of audio.

    final: it stands; nothing follows it. speaker: who fits best, and with ACCEPT who it is; empty while nothing was scored.
    score: how well they fit, -1 to 1. margin: the score less the threshold for acceptance. candidates: best first.
    """

    at: float
    outcome: Outcome
    final: bool
    reason: Reason
    speaker: str
    score: float
    margin: float
    evidence: Evidence
    candidates: tuple[Candidate, ...]


VerificationEvent = SpeechStarted | SpeechEnded | Decision


@dataclass(frozen=True, slots=True)
class Speaker:
    """An enrolled speaker. model_id: the model that made the voiceprint. speech: net, in all recordings, in seconds."""

    name: str
    model_id: str
    recordings: int
    speech: float
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class EnrollmentProgress:
    """Speech heard so far: `evidence` in recording number `recording` (from 1), `speech` in all; `needed` is still missing."""

    at: float
    recording: int
    evidence: Evidence
    speech: float
    needed: float


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The enrollment is stored. recordings: the evidence in each recording of this stream, in order."""

    at: float
    speaker: Speaker
    recordings: tuple[Evidence, ...]


EnrollmentEvent = EnrollmentProgress | Enrolled


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is.

    backend: onnxruntime or torch. uptime: in seconds. accept_score: scores from here on are accepted. reject_score: scores below
    are rejected.
    """

    version: str
    model_id: str
    backend: str
    uptime: float
    speakers: int
    active_streams: int
    max_streams: int
    accept_score: float
    reject_score: float
