"""What programs see of an attempt, an enrollment or a speaker: the fields that `--json` prints; times in seconds."""

from __future__ import annotations

from dataclasses import asdict

from clients.messages import (
    Decision,
    Enrolled,
    EnrollmentEvent,
    EnrollmentProgress,
    Evidence,
    RecordingQuality,
    Speaker,
    SpeechEnded,
    SpeechStarted,
    VerificationEvent,
)

Fields = dict[str, object]


def event_fields(event: VerificationEvent | EnrollmentEvent) -> Fields:
    """Return those of an event of a stream."""
    match event:
        case SpeechStarted() | SpeechEnded():
            return {"offset_seconds": event.offset}
        case Decision():
            return decision_fields(event)
        case EnrollmentProgress():
            return _progress_fields(event)
        case Enrolled():
            return {
                **speaker_fields(event.speaker),
                "recording_quality": [_quality_fields(quality) for quality in event.recordings],
                "similar_voices": [asdict(voice) for voice in event.similar_voices],
            }


def decision_fields(decision: Decision) -> Fields:
    """Return those of a decision."""
    return {
        "decision": decision.outcome.value,
        "final": decision.final,
        "reason": decision.reason.value,
        "speaker": decision.speaker,
        "score": decision.score,
        "llr": decision.llr,
        "posterior": decision.posterior,
        "margin_accept": decision.margin_accept,
        "margin_reject": decision.margin_reject,
        "expected_speech_seconds": decision.expected_speech,
        **evidence_fields(decision.evidence),
        "candidates": [{"speaker": each.speaker, "score": each.score, "llr": each.llr} for each in decision.candidates],
    }


def evidence_fields(evidence: Evidence) -> Fields:
    """Return those of evidence."""
    return {
        "speech_seconds": evidence.speech,
        "snr_db": evidence.snr_db,
        "clipped_fraction": evidence.clipped_fraction,
        "bandwidth_hertz": evidence.bandwidth_hertz,
        "voice_probability": evidence.voice_probability,
    }


def _progress_fields(progress: EnrollmentProgress) -> Fields:
    return {
        "recording": progress.recording,
        "speech_seconds": progress.speech,
        "needed_seconds": progress.needed,
        "evidence": evidence_fields(progress.evidence),
    }


def _quality_fields(quality: RecordingQuality) -> Fields:
    return {
        "verdict": quality.verdict.value,
        "advice": quality.advice,
        "agreement_llr": quality.agreement_llr,
        "agreement_score": quality.agreement_score,
        **evidence_fields(quality.evidence),
    }


def speaker_fields(speaker: Speaker) -> Fields:
    """Return those of an enrolled speaker."""
    return {
        "speaker": speaker.name,
        "model_id": speaker.model_id,
        "recordings": speaker.recordings,
        "speech_seconds": speaker.speech,
        "created": speaker.created.isoformat(),
        "updated": speaker.updated.isoformat(),
        "sessions": speaker.sessions,
        "adapted_attempts": speaker.adapted_attempts,
    }
