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
_VERDICTS: Final = {
    enrollment_pb2.RecordingVerdict.Value(f"RECORDING_VERDICT_{verdict.name}"): verdict for verdict in messages.RecordingVerdict
}


def split(chunk: bytes) -> Iterator[bytes]:
    """Cut a chunk of audio into what fits a message; nothing comes of an empty one."""
    for start in range(0, len(chunk), MAX_CHUNK):
        yield chunk[start : start + MAX_CHUNK]


def verify_config(config: messages.VerifyConfig, audio: AudioFormat) -> verification_pb2.VerifyRequest:
    """Return the first message of an attempt."""
    return verification_pb2.VerifyRequest(
        config=verification_pb2.VerifyConfig(
            request_id=config.request_id,
            audio=audio_config(audio),
            speakers=config.speakers,
            interim_results=config.interim,
            wait_for_end=config.wait_for_end,
            max_candidates=config.candidates,
            false_accept_rate=config.false_accept_rate,
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
            audio=audio_config(audio),
            mode=enroll_mode(config.mode),
            allow_similar=config.allow_similar,
        )
    )


def next_recording(audio: AudioFormat) -> enrollment_pb2.EnrollRequest:
    """Return the message that begins another recording of an enrollment."""
    return enrollment_pb2.EnrollRequest(next_recording=enrollment_pb2.NextRecording(audio=audio_config(audio)))


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
    at = seconds(response.audio_processed)
    match response.WhichOneof("event"):
        case "speech_started":
            return messages.SpeechStarted(at, seconds(response.speech_started.offset))
        case "speech_ended":
            return messages.SpeechEnded(at, seconds(response.speech_ended.offset))
        case "decision":
            return decision(at, response.decision)
        case None:
            return None


def enrollment_event(response: enrollment_pb2.EnrollResponse) -> messages.EnrollmentEvent | None:
    """Read a response; None if it is of a kind that this client does not know."""
    at = seconds(response.audio_processed)
    match response.WhichOneof("event"):
        case "progress":
            return progress(at, response.progress)
        case "result":
            return enrolled(at, response.result)
        case None:
            return None


def speaker(message: speakers_pb2.Speaker) -> messages.Speaker:
    """Read an enrolled speaker."""
    return messages.Speaker(
        name=message.name,
        model_id=message.model_id,
        recordings=message.recordings,
        speech=seconds(message.speech),
        created=message.create_time.ToDatetime(UTC),
        updated=message.update_time.ToDatetime(UTC),
        sessions=message.sessions,
        adapted_attempts=message.adapted_attempts,
    )


def status(message: status_pb2.GetStatusResponse) -> messages.Status:
    """Read the daemon's status."""
    return messages.Status(
        version=message.version,
        model_id=message.model_id,
        backend=message.backend,
        uptime=seconds(message.uptime),
        speakers=message.speakers,
        active_streams=message.active_streams,
        max_streams=message.max_streams,
        false_accept_rate=message.false_accept_rate,
        false_reject_rate=message.false_reject_rate,
        prior=message.prior,
        accept_llr=message.accept_llr,
        reject_llr=message.reject_llr,
    )


def audio_config(audio: AudioFormat) -> audio_pb2.AudioConfig:
    """Return how a stream's bytes are to be read."""
    return audio_pb2.AudioConfig(encoding=_ENCODINGS[audio.encoding], sample_rate_hertz=audio.rate, channel_count=audio.channels)


def enroll_mode(mode: messages.EnrollMode) -> enrollment_pb2.EnrollMode.ValueType:
    """Return a mode as the API has it."""
    return _MODES[mode]


def seconds(message: Duration) -> float:
    """Read a duration."""
    return message.ToNanoseconds() / 1e9


def duration(value: float) -> Duration:
    """Return seconds as a duration."""
    message = Duration()
    message.FromNanoseconds(round(value * 1e9))
    return message


def decision(at: float, message: decision_pb2.Decision) -> messages.Decision:
    """Read a decision that rests on the first `at` seconds of audio. Raises `ProtocolError` on an unknown outcome."""
    outcome = _OUTCOMES.get(message.outcome)
    if outcome is None:
        raise ProtocolError(f"the daemon decided {message.outcome}, which this client does not know: update the client")
    return messages.Decision(
        at=at,
        outcome=outcome,
        final=message.is_final,
        reason=reason(message.reason),
        speaker=message.speaker,
        score=message.score,
        llr=message.llr,
        posterior=message.posterior,
        margin_accept=message.margin_accept,
        margin_reject=message.margin_reject,
        expected_speech=seconds(message.expected_speech) if message.HasField("expected_speech") else None,
        evidence=evidence(message.evidence),
        candidates=tuple(messages.Candidate(each.speaker, each.score, each.llr) for each in message.candidates),
    )


def progress(at: float, message: enrollment_pb2.EnrollProgress) -> messages.EnrollmentProgress:
    """Read the progress of an enrollment."""
    return messages.EnrollmentProgress(
        at=at,
        recording=message.recording,
        evidence=evidence(message.evidence),
        speech=seconds(message.speech),
        needed=seconds(message.speech_needed),
    )


def enrolled(at: float, message: enrollment_pb2.EnrollResult) -> messages.Enrolled:
    """Read the result of an enrollment."""
    similar = (messages.SimilarVoice(each.speaker, each.score, each.mutual_false_accept_rate) for each in message.similar_voices)
    return messages.Enrolled(at, speaker(message.speaker), tuple(map(recording_quality, message.recordings)), tuple(similar))


def recording_quality(message: enrollment_pb2.RecordingQuality) -> messages.RecordingQuality:
    """Read the quality of a recording."""
    return messages.RecordingQuality(
        evidence=evidence(message.evidence),
        agreement_llr=message.agreement_llr if message.HasField("agreement_llr") else None,
        agreement_score=message.agreement_score if message.HasField("agreement_score") else None,
        verdict=_VERDICTS.get(message.verdict, messages.RecordingVerdict.UNSPECIFIED),
        advice=message.advice,
    )


def reason(value: decision_pb2.Reason.ValueType) -> messages.Reason:
    """Read a reason."""
    return _REASONS.get(value, messages.Reason.UNSPECIFIED)


def evidence(message: decision_pb2.Evidence) -> messages.Evidence:
    """Read evidence."""
    return messages.Evidence(
        speech=seconds(message.speech),
        snr_db=message.snr_db,
        clipped_fraction=message.clipped_fraction,
        bandwidth_hertz=message.bandwidth_hertz,
        voice_probability=message.voice_probability,
    )
