"""From the daemon's own types of an enrollment to the API's messages."""

from __future__ import annotations

from typing import Final

from daemon.enrollment.quality import RecordingQuality, Verdict
from daemon.enrollment.session import Enrollment
from daemon.enrollment.similar import SimilarVoice
from daemon.events import EnrollmentProgress
from daemon.server.convert import duration, evidence, speaker
from daemon.speakers import Speaker
from proto.speakerd.v1 import enrollment_pb2

_VERDICTS: Final = {verdict: enrollment_pb2.RecordingVerdict.Value(f"RECORDING_VERDICT_{verdict.name}") for verdict in Verdict}


def progress_response(event: EnrollmentProgress, request_id: str) -> enrollment_pb2.EnrollResponse:
    """Return the response that tells of the progress of an enrollment."""
    return enrollment_pb2.EnrollResponse(request_id=request_id, audio_processed=duration(event.at), progress=progress(event))


def progress(event: EnrollmentProgress) -> enrollment_pb2.EnrollProgress:
    """Return the message of the progress of an enrollment."""
    return enrollment_pb2.EnrollProgress(
        recording=event.recording,
        evidence=evidence(event.evidence),
        speech=duration(event.speech),
        speech_needed=duration(event.needed),
    )


def result_response(enrolled: Speaker, added: Enrollment, at: int, request_id: str) -> enrollment_pb2.EnrollResponse:
    """Return the response that tells who was enrolled, with what this stream gave, after `at` samples."""
    return enrollment_pb2.EnrollResponse(request_id=request_id, audio_processed=duration(at), result=result(enrolled, added))


def result(enrolled: Speaker, added: Enrollment) -> enrollment_pb2.EnrollResult:
    """Return the message that tells who was enrolled, with what was added."""
    return enrollment_pb2.EnrollResult(
        speaker=speaker(enrolled),
        recordings=[recording_quality(each) for each in added.recordings],
        similar_voices=[similar_voice(each) for each in added.similar],
    )


def recording_quality(of: RecordingQuality) -> enrollment_pb2.RecordingQuality:
    """Return the message of the quality of a recording."""
    return enrollment_pb2.RecordingQuality(
        evidence=evidence(of.evidence),
        agreement_llr=of.agreement_llr,
        agreement_score=of.agreement_score,
        verdict=_VERDICTS[of.verdict],
        advice=of.advice,
    )


def similar_voice(of: SimilarVoice) -> enrollment_pb2.SimilarVoice:
    """Return the message of a voice that is close."""
    return enrollment_pb2.SimilarVoice(speaker=of.speaker, score=of.score, mutual_false_accept_rate=of.rate)
