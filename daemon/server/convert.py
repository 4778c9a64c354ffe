"""Between the API's messages and the daemon's own types."""

from __future__ import annotations

from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from daemon.errors import InvalidAudioConfigError, MalformedMessageError
from daemon.events import Decision, Event, Evidence, Outcome, Reason, SpeechEnded, SpeechStarted
from daemon.hearing.audio import AudioDecoder, Encoding
from daemon.speakers import Speaker
from daemon.store.voiceprints import SaveMode
from models.features import SAMPLE_RATE
from proto.speakerd.v1 import audio_pb2, decision_pb2, enrollment_pb2, speakers_pb2, verification_pb2

NANOSECONDS: Final = 1_000_000_000 // SAMPLE_RATE
"""Of one sample, exactly: 62,500."""

_ENCODINGS: Final = {audio_pb2.AudioEncoding.Value(f"AUDIO_ENCODING_{encoding.name}"): encoding for encoding in Encoding}
_MODES: Final[dict[int, SaveMode]] = {
    enrollment_pb2.ENROLL_MODE_UNSPECIFIED: SaveMode.CREATE,
    **{enrollment_pb2.EnrollMode.Value(f"ENROLL_MODE_{mode.name}"): mode for mode in SaveMode},
}
_OUTCOMES: Final = {outcome: decision_pb2.Outcome.Value(f"OUTCOME_{outcome.name}") for outcome in Outcome}
_REASONS: Final = {reason: decision_pb2.Reason.Value(f"REASON_{reason.name}") for reason in Reason}


def duration(samples: int) -> Duration:
    """Return the exact duration of so many samples at 16 kHz."""
    seconds, rest = divmod(samples, SAMPLE_RATE)
    return Duration(seconds=seconds, nanos=rest * NANOSECONDS)


def decoder(config: audio_pb2.AudioConfig) -> AudioDecoder:
    """Return a decoder for audio as `config` describes it. Raises `InvalidAudioConfigError`."""
    encoding = _ENCODINGS.get(config.encoding)
    if encoding is None:
        names = ", ".join(known.name for known in Encoding)
        raise InvalidAudioConfigError(f"the encoding of the audio must be one of {names}")
    return AudioDecoder(encoding, config.sample_rate_hertz, config.channel_count or 1)


def save_mode(mode: int) -> SaveMode:
    """Return what an enrollment is to do. Raises `MalformedMessageError` for a mode of a newer API."""
    if mode not in _MODES:
        raise MalformedMessageError(f"mode {mode} is not one that this daemon knows: {', '.join(known.name for known in SaveMode)}")
    return _MODES[mode]


def verify_response(event: Event, request_id: str) -> verification_pb2.VerifyResponse:
    """Return the response that tells of an event of a verification."""
    response = verification_pb2.VerifyResponse(request_id=request_id, audio_processed=duration(event.at))
    match event:
        case SpeechStarted():
            response.speech_started.offset.CopyFrom(duration(event.offset))
        case SpeechEnded():
            response.speech_ended.offset.CopyFrom(duration(event.offset))
        case Decision():
            response.decision.CopyFrom(decision(event))
    return response


def decision(event: Decision) -> decision_pb2.Decision:
    """Return the message of a decision."""
    best = event.candidates[0] if event.candidates else None
    return decision_pb2.Decision(
        outcome=_OUTCOMES[event.outcome],
        is_final=event.final,
        reason=reason(event.reason),
        speaker=best.speaker if best else "",
        score=best.score if best else 0.0,
        llr=event.llr,
        posterior=event.posterior,
        margin_accept=event.margin_accept,
        margin_reject=event.margin_reject,
        expected_speech=None if event.expected_seconds is None else duration(round(event.expected_seconds * SAMPLE_RATE)),
        evidence=evidence(event.evidence),
        candidates=[decision_pb2.Candidate(speaker=each.speaker, score=each.score, llr=each.llr) for each in event.candidates],
    )


def reason(of: Reason) -> decision_pb2.Reason.ValueType:
    """Return a reason as the API has it."""
    return _REASONS[of]


def evidence(of: Evidence) -> decision_pb2.Evidence:
    """Return the message of evidence."""
    return decision_pb2.Evidence(
        speech=duration(of.speech), snr_db=of.snr, clipped_fraction=of.clipped, bandwidth_hertz=of.bandwidth, voice_probability=of.voice
    )


def speaker(enrolled: Speaker) -> speakers_pb2.Speaker:
    """Return the message of an enrolled speaker."""
    created, updated = Timestamp(), Timestamp()
    created.FromDatetime(enrolled.created)
    updated.FromDatetime(enrolled.updated)
    return speakers_pb2.Speaker(
        name=enrolled.name,
        model_id=enrolled.model_id,
        recordings=len(enrolled.templates),
        speech=duration(enrolled.speech),
        create_time=created,
        update_time=updated,
        sessions=enrolled.sessions,
        adapted_attempts=len(enrolled.adapted),
    )
