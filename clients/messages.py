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
    UNSPECIFIED = "UNSPECIFIED"
    """One that this client does not know: the daemon is newer."""


class RecordingVerdict(Enum):
    """What is wrong most with a recording; it is enrolled nevertheless."""

    GOOD = "GOOD"
    CLIPPED = "CLIPPED"
    """Overdriven."""
    DOUBTFUL = "DOUBTFUL"
    """Likelier to be of two people than of one."""
    NOISY = "NOISY"
    """The background is loud."""
    NARROW_BAND = "NARROW_BAND"
    """Without high frequencies, as over a telephone."""
    SHORT = "SHORT"
    """Little speech."""
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
    false_accept_rate: how often someone else may be accepted in this attempt, above 0 and at most as often as the daemon is set to;
    None leaves it to the daemon.
    request_id: names the attempt in the daemon's log; the daemon makes one up if it is empty.
    """

    speakers: Sequence[str] = ()
    interim: bool = True
    wait_for_end: bool = False
    candidates: int = 0
    request_id: str = ""
    false_accept_rate: float | None = None


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
    bandwidth_hertz: highest frequency that carries speech. voice_probability: that what was heard is a human voice, 0 to 1, on average.
    """

    speech: float
    snr_db: float
    clipped_fraction: float
    bandwidth_hertz: float
    voice_probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled speaker. score: how well the voice fits them, -1 to 1. llr: what that is worth, see `Decision`."""

    speaker: str
    score: float
    llr: float


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
    score: how well they fit, a cosine, -1 to 1. llr: what it is worth: natural logarithm of how much more likely it is if they speak than
    if somebody else does. posterior: probability that it is they, at the daemon's prior. margin_accept, margin_reject: the LLR less the
    boundary from which on they are accepted, and less that up to which they are rejected. expected_speech: further seconds of speech
    until the LLR is expected to reach a boundary; None: not within the attempt, or it is decided. candidates: best first.
    """

    at: float
    outcome: Outcome
    final: bool
    reason: Reason
    speaker: str
    score: float
    llr: float
    posterior: float
    margin_accept: float
    margin_reject: float
    expected_speech: float | None
    evidence: Evidence
    candidates: tuple[Candidate, ...]


VerificationEvent = SpeechStarted | SpeechEnded | Decision


@dataclass(frozen=True, slots=True)
class Speaker:
    """An enrolled speaker.

    model_id: the model that made the voiceprint. speech: net, in all recordings, in seconds. sessions: enrollments that the recordings
    are from. adapted_attempts: what the voiceprint has learned from beside them.
    """

    name: str
    model_id: str
    recordings: int
    speech: float
    created: datetime
    updated: datetime
    sessions: int = 1
    adapted_attempts: int = 0


@dataclass(frozen=True, slots=True)
class EnrollmentProgress:
    """Speech heard so far: `evidence` in recording number `recording` (from 1), `speech` in all; `needed` is still missing."""

    at: float
    recording: int
    evidence: Evidence
    speech: float
    needed: float


@dataclass(frozen=True, slots=True)
class RecordingQuality:
    """How good a recording of an enrollment is.

    agreement_llr: natural logarithm of how much more likely it is of one person with the other recordings than of another; of a single
    recording: of its own two most different parts. agreement_score: cosine of the same two, -1 to 1. Both are None if there is nothing to
    compare. advice: what to do better, as what follows "recording 1: "; empty for a good recording.
    """

    evidence: Evidence
    agreement_llr: float | None
    agreement_score: float | None
    verdict: RecordingVerdict
    advice: str


@dataclass(frozen=True, slots=True)
class SimilarVoice:
    """An enrolled voice that is close to another.

    score: cosine of the voiceprints, -1 to 1. mutual_false_accept_rate: share of the attempts of one to verify as the other that are
    expected to be accepted.
    """

    speaker: str
    score: float
    mutual_false_accept_rate: float


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The enrollment is stored. recordings: those of this stream, in order. similar_voices: whose are close to this one, closest first."""

    at: float
    speaker: Speaker
    recordings: tuple[RecordingQuality, ...]
    similar_voices: tuple[SimilarVoice, ...] = ()


EnrollmentEvent = EnrollmentProgress | Enrolled


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is.

    backend: onnxruntime or torch. uptime: in seconds. false_accept_rate, false_reject_rate: its targets per attempt. prior: how likely
    it is taken to be, before they speak, that a voice is one of those asked for. accept_llr, reject_llr: a search among all enrolled
    speakers accepts from the one on, and rejects up to the other.
    """

    version: str
    model_id: str
    backend: str
    uptime: float
    speakers: int
    active_streams: int
    max_streams: int
    false_accept_rate: float
    false_reject_rate: float
    prior: float
    accept_llr: float
    reject_llr: float
