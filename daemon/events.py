"""What a session tells: frozen events, stamped in samples at 16 kHz.

Those of one attempt come from a verification, those of an endless row of attempts from a watch. `at` is how much audio the event rests
on: it depends on the audio alone, never on how it was cut or how fast it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What becomes of an attempt."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    UNDECIDED = "UNDECIDED"
    AMBIGUOUS = "AMBIGUOUS"


class Reason(Enum):
    """Why an outcome is what it is; the names are those of the API."""

    SCORE_ABOVE_THRESHOLD = "SCORE_ABOVE_THRESHOLD"
    SCORE_BELOW_THRESHOLD = "SCORE_BELOW_THRESHOLD"
    SCORE_BETWEEN_THRESHOLDS = "SCORE_BETWEEN_THRESHOLDS"
    NO_SPEECH = "NO_SPEECH"
    NOT_ENOUGH_SPEECH = "NOT_ENOUGH_SPEECH"
    SPEAKERS_TOO_CLOSE = "SPEAKERS_TOO_CLOSE"
    NO_SPEAKERS_ENROLLED = "NO_SPEAKERS_ENROLLED"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence behind a decision.

    speech: net speech in samples. snr: speech over background in dB. clipped: share of speech samples at full scale.
    bandwidth: highest frequency in Hz that carries speech.
    """

    speech: int = 0
    snr: float = 0.0
    clipped: float = 0.0
    bandwidth: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled speaker and the cosine of the running embedding with their voiceprint."""

    speaker: str
    score: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech begins at sample `offset`."""

    at: int
    offset: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Speech ended at sample `offset`."""

    at: int
    offset: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The state of an attempt; nothing follows a final one.

    candidates: the best speakers, best first; empty while nothing was scored. margin: best score less the threshold.
    """

    at: int
    outcome: Outcome
    final: bool
    reason: Reason
    evidence: Evidence
    candidates: tuple[Candidate, ...] = ()
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class EnrollmentProgress:
    """Speech heard in recording number `recording` (from 1), and in all of them; `needed` is what is still missing, in samples."""

    at: int
    recording: int
    evidence: Evidence
    speech: int
    needed: int


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """Someone speaks, from sample `offset` on: attempt number `attempt` (from 1) begins."""

    at: int
    attempt: int
    offset: int


@dataclass(frozen=True, slots=True)
class AttemptDecided:
    """What is made of an attempt by now; a final decision ends it."""

    at: int
    attempt: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Level:
    """How loud the stretch of audio was that ends here, in dB relative to full scale; speech: someone speaks at its end."""

    at: int
    rms: float
    peak: float
    speech: bool


@dataclass(frozen=True, slots=True)
class SilenceChanged:
    """The audio has become nothing but zeros (`silent`), or no longer is."""

    at: int
    silent: bool


@dataclass(frozen=True, slots=True)
class ClippingChanged:
    """Many samples are at full scale (`clipping`), or no longer are."""

    at: int
    clipping: bool


Event = SpeechStarted | SpeechEnded | Decision | EnrollmentProgress
"""What a verification or an enrollment tells."""
WatchEvent = AttemptStarted | AttemptDecided | Level | SilenceChanged | ClippingChanged
"""What a watch tells."""
