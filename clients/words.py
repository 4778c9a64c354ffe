"""What people are told in words."""

from __future__ import annotations

from typing import Final

from clients.capture_messages import CaptureChange
from clients.messages import Decision, Outcome, Reason, SimilarVoice

REASONS: Final = {
    Reason.LLR_ABOVE_BOUNDARY: "the voice fits",
    Reason.LLR_BELOW_BOUNDARY: "the voice does not fit",
    Reason.LLR_BETWEEN_BOUNDARIES: "the evidence does not decide yet",
    Reason.NO_SPEECH: "no speech was heard",
    Reason.NOT_ENOUGH_SPEECH: "not enough speech to tell",
    Reason.SPEAKERS_TOO_CLOSE: "two speakers fit nearly equally well",
    Reason.NO_SPEAKERS_ENROLLED: "nobody is enrolled",
    Reason.NOT_A_VOICE: "what is heard is no human voice",
    Reason.SPEECH_BUDGET_SPENT: "the evidence does not decide in the time that an attempt has",
    Reason.SPEECH_PAUSED: "the speaker paused before the evidence decided",
    Reason.AUDIO_ENDED: "the audio ended before the evidence decided",
    Reason.SPEAKER_CHANGED: "somebody else speaks",
    Reason.VOICE_LOST: "the voice is not heard any more",
    Reason.SPEAKER_DELETED: "the speaker is not enrolled any more",
    Reason.UNSPECIFIED: "for a reason that this client does not know",
}
"""Why a decision is what it is."""
SUREST: Final = 0.999
"""Probabilities beyond this are not told apart."""

CHANGES: Final = {
    CaptureChange.STARTED: "it listens",
    CaptureChange.STOPPED: "it was stopped",
    CaptureChange.OVERRUN: "audio was lost: the machine is too slow",
    CaptureChange.STALLED: "the device delivers nothing",
    CaptureChange.LOST: "the device is gone",
    CaptureChange.RECOVERED: "the device is back",
    CaptureChange.FAILED: "the device did not come back",
    CaptureChange.SILENCE_STARTED: "nothing but zeros: the microphone may be muted",
    CaptureChange.SILENCE_ENDED: "no longer nothing but zeros",
    CaptureChange.CLIPPING_STARTED: "too loud: it is overdriven",
    CaptureChange.CLIPPING_ENDED: "no longer overdriven",
    CaptureChange.UNSPECIFIED: "something that this client does not know",
}
"""What happened to a capture."""


def probability(value: float) -> str:
    """Return a probability in percent: never as a certainty."""
    if value > SUREST:
        return f"over {SUREST:.1%}"
    return f"under {1 - SUREST:.1%}" if value < 1 - SUREST else f"{value:.1%}"


def who(decision: Decision) -> str:
    """Return whom a decision is about: who is accepted, or the two who cannot be told apart; otherwise an empty string."""
    match decision.outcome:
        case Outcome.ACCEPT:
            return decision.speaker
        case Outcome.AMBIGUOUS:
            return " or ".join(candidate.speaker for candidate in decision.candidates[:2])
        case _:
            return ""


def similar(voice: SimilarVoice) -> str:
    """Return whose voice is close, and what is to be feared of it."""
    return f"{voice.speaker}: some {voice.mutual_false_accept_rate:.0%} of the attempts of one would be accepted as the other"
