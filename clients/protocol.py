"""The protocol of `proto/speakerd/v1` without a network: configs to requests, responses to the client's dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final

from google.protobuf.duration_pb2 import Duration

from clients import messages
from clients.audio import Audio, AudioFormat, Encoding
from clients.errors import ProtocolError
from proto.speakerd.v1 import audio_pb2, decision_pb2, enrollment_pb2, speakers_pb2, status_pb2, verification_pb2

MAX_CHUNK: Final = 64 * 1024
"""Bytes of audio in one message; more is split. The daemon's own cap is larger."""

_ENCODINGS: Final = {encoding: audio_pb2.AudioEncoding.Value(f"AUDIO_ENCODING_{encoding.name}") for encoding in Encoding}
_MODES: Final = {mode: enrollment_pb2.EnrollMode.Value(f"ENROLL_MODE_{mode.name}") for mode in messages.EnrollMode}
_OUTCOMES: Final = {decision_pb2.Outcome.Value(f"OUTCOME_{outcome.name}"): outcome for outcome in messages.Outcome}
_REASONS: Final = {decision_pb2.Reason.Value(f"REASON_{reason.name}"): reason for reason in messages.Reason}


def split(chunk: bytes) -> Iterator[bytes]:
    """Cut a chunk of audio into what fits a message; nothing comes of an empty one."""
    for start in range(0, len(chunk), MAX_CHUNK):
        yield chunk[start : start + MAX_CHUNK]


def verify_config(config: messages.VerifyConfig, audio: AudioFormat) -> verification_pb2.VerifyRequest:
    """Return the first message of an attempt."""
    return verification_pb2.VerifyRequest(
        config=verification_pb2.VerifyConfig(
            request_id=config.request_id,
            audio=_audio_config(audio),
            speakers=config.speakers,
            interim_results=config.interim,
            wait_for_end=config.wait_for_end,
            max_candidates=config.candidates,
        )
    )


def verify_audio(chunk: bytes) -> Iterator[verification_pb2.VerifyRequest]:
    """Return the messages that carry a chunk of an attempt's audio."""
    return (verification_pb2.VerifyRequest(audio=piece) for piece in split(chunk))


def verify_requests(config: messages.VerifyConfig, audio: Audio) -> Iterator[verification_pb2.VerifyRequest]:
    """Return all messages of an attempt."""
    yield verify_config(config, audio.format)
    for chunk in audio.chunks:
        yield from verify_audio(chunk)


def enroll_config(config: messages.EnrollConfig, audio: AudioFormat) -> enrollment_pb2.EnrollRequest:
    """Return the first message of an enrollment, which begins its first recording."""
    return enrollment_pb2.EnrollRequest(
        config=enrollment_pb2.EnrollConfig(
            request_id=config.request_id,
            speaker=config.speaker,
            audio=_audio_config(audio),
            mode=_MODES[config.mode],
            allow_similar=config.allow_similar,
        )
    )


def next_recording(audio: AudioFormat) -> enrollment_pb2.EnrollRequest:
    """Return the message that begins another recording of an enrollment."""
    return enrollment_pb2.EnrollRequest(next_recording=enrollment_pb2.NextRecording(audio=_audio_config(audio)))


def enroll_audio(chunk: bytes) -> Iterator[enrollment_pb2.EnrollRequest]:
    """Return the messages that carry a chunk of an enrollment's audio."""
    return (enrollment_pb2.EnrollRequest(audio=piece) for piece in split(chunk))


def enroll_requests(config: messages.EnrollConfig, recordings: Iterable[Audio]) -> Iterator[enrollment_pb2.EnrollRequest]:
    """Return all messages of an enrollment."""
    for number, recording in enumerate(recordings):
        yield next_recording(recording.format) if number else enroll_config(config, recording.format)
        for chunk in recording.chunks:
            yield from enroll_audio(chunk)


def verification_event(response: verification_pb2.VerifyResponse) -> messages.VerificationEvent | None:
    """Read a response; None if it is of a kind that this client does not know. Raises `ProtocolError` on an unknown outcome."""
    at = _seconds(response.audio_processed)
    match response.WhichOneof("event"):
        case "speech_started":
            return messages.SpeechStarted(at, _seconds(response.speech_started.offset))
        case "speech_ended":
            return messages.SpeechEnded(at, _seconds(response.speech_ended.offset))
        case "decision":
            return _decision(at, response.decision)
        case None:
            return None


def enrollment_event(response: enrollment_pb2.EnrollResponse) -> messages.EnrollmentEvent | None:
    """Read a response; None if it is of a kind that this client does not know."""
    at = _seconds(response.audio_processed)
    match response.WhichOneof("event"):
        case "progress":
            return _progress(at, response.progress)
        case "result":
            evidence = tuple(_evidence(recording) for recording in response.result.recordings)
            return messages.Enrolled(at, speaker(response.result.speaker), evidence)
        case None:
            return None


def speaker(message: speakers_pb2.Speaker) -> messages.Speaker:
    """Read an enrolled speaker."""
    return messages.Speaker(
        name=message.name,
        model_id=message.model_id,
        recordings=message.recordings,
        speech=_seconds(message.speech),
        created=message.create_time.ToDatetime(UTC),
        updated=message.update_time.ToDatetime(UTC),
    )


def status(message: status_pb2.GetStatusResponse) -> messages.Status:
    """Read the daemon's status."""
    return messages.Status(
        version=message.version,
        model_id=message.model_id,
        backend=message.backend,
        uptime=_seconds(message.uptime),
        speakers=message.speakers,
        active_streams=message.active_streams,
        max_streams=message.max_streams,
        accept_score=message.accept_score,
        reject_score=message.reject_score,
    )


def _audio_config(audio: AudioFormat) -> audio_pb2.AudioConfig:
    return audio_pb2.AudioConfig(encoding=_ENCODINGS[audio.encoding], sample_rate_hertz=audio.rate, channel_count=audio.channels)


def _seconds(duration: Duration) -> float:
    return duration.ToNanoseconds() / 1e9


def _decision(at: float, decision: decision_pb2.Decision) -> messages.Decision:
    outcome = _OUTCOMES.get(decision.outcome)
    if outcome is None:
        raise ProtocolError(f"the daemon decided {decision.outcome}, which this client does not know: update the client")
    return messages.Decision(
        at=at,
        outcome=outcome,
        final=decision.is_final,
        reason=_REASONS.get(decision.reason, messages.Reason.UNSPECIFIED),
        speaker=decision.speaker,
        score=decision.score,
        margin=decision.margin,
        evidence=_evidence(decision.evidence),
        candidates=tuple(messages.Candidate(candidate.speaker, candidate.score) for candidate in decision.candidates),
    )


def _evidence(evidence: decision_pb2.Evidence) -> messages.Evidence:
    return messages.Evidence(
        speech=_seconds(evidence.speech),
        snr_db=evidence.snr_db,
        clipped_fraction=evidence.clipped_fraction,
        bandwidth_hertz=evidence.bandwidth_hertz,
    )


def _progress(at: float, progress: enrollment_pb2.EnrollProgress) -> messages.EnrollmentProgress:
    return messages.EnrollmentProgress(
        at=at,
        recording=progress.recording,
        evidence=_evidence(progress.evidence),
        speech=_seconds(progress.speech),
        needed=_seconds(progress.speech_needed),
    )
