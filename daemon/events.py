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

    LLR_ABOVE_BOUNDARY = "LLR_ABOVE_BOUNDARY"
    LLR_BELOW_BOUNDARY = "LLR_BELOW_BOUNDARY"
    LLR_BETWEEN_BOUNDARIES = "LLR_BETWEEN_BOUNDARIES"
    NO_SPEECH = "NO_SPEECH"
    NOT_ENOUGH_SPEECH = "NOT_ENOUGH_SPEECH"
    SPEAKERS_TOO_CLOSE = "SPEAKERS_TOO_CLOSE"
    NO_SPEAKERS_ENROLLED = "NO_SPEAKERS_ENROLLED"
    NOT_A_VOICE = "NOT_A_VOICE"
    SPEECH_BUDGET_SPENT = "SPEECH_BUDGET_SPENT"
    SPEECH_PAUSED = "SPEECH_PAUSED"
    AUDIO_ENDED = "AUDIO_ENDED"
    SPEAKER_CHANGED = "SPEAKER_CHANGED"
    VOICE_LOST = "VOICE_LOST"
    SPEAKER_DELETED = "SPEAKER_DELETED"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence behind a decision.

    speech: net speech in samples. snr: speech over background in dB. clipped: share of speech samples at full scale.
    bandwidth: highest frequency in Hz that carries speech. voice: how sure the detector is that the speech is a voice, 0 to 1, on average.
    """

    speech: int = 0
    snr: float = 0.0
    clipped: float = 0.0
    bandwidth: float = 0.0
    voice: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled speaker. score: cosine of the running embedding and their voiceprint. llr: what it is worth, see `Decision`."""

    speaker: str
    score: float
    llr: float = 0.0


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

    candidates: the best speakers, by their LLR, best first; empty while nothing was scored. What follows is of the first of them, and
    0 while nothing was scored. llr: natural logarithm of the likelihood ratio of their score, given the speech and its quality.
    posterior: probability that it is they who speak, at the configured prior; the prior itself while nothing was scored. margin_accept,
    margin_reject: the LLR less the boundary for acceptance, and less that for rejection. expected_seconds: further net speech until the
    LLR is expected to reach a boundary; None: not within the attempt, or the attempt is decided.
    """

    at: int
    outcome: Outcome
    final: bool
    reason: Reason
    evidence: Evidence
    candidates: tuple[Candidate, ...] = ()
    llr: float = 0.0
    posterior: float = 0.0
    margin_accept: float = 0.0
    margin_reject: float = 0.0
    expected_seconds: float | None = None


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
class AttemptFollowed:
    """Who was accepted in an attempt is followed while they speak on: what is made of the latest speech alone.

    A final decision accepts them anew; it does not end the attempt.
    """

    at: int
    attempt: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class SpeakerChanged:
    """Someone else speaks now than `speaker`, who was accepted in the attempt. llr: of their voice in the latest speech.

    evidence: of that speech. Either another enrolled speaker is accepted at once, in the next attempt, or Locked follows.
    """

    at: int
    attempt: int
    speaker: str
    llr: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Locked:
    """Nobody is accepted any more; `speaker` was, in the attempt. reason: SPEAKER_CHANGED, VOICE_LOST or SPEAKER_DELETED."""

    at: int
    attempt: int
    speaker: str
    reason: Reason


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
AttemptEvent = AttemptStarted | AttemptDecided | AttemptFollowed | SpeakerChanged | Locked
"""What a watch tells of its attempts."""
WatchEvent = AttemptEvent | Level | SilenceChanged | ClippingChanged
"""What a watch tells."""
