from __future__ import annotations

import pytest

from daemon.enrollment.quality import ADVICE, RecordingQuality, Verdict
from daemon.enrollment.session import Enrollment
from daemon.enrollment.similar import SimilarVoice
from daemon.events import EnrollmentProgress
from daemon.server import convert, convert_enrollment
from proto.speakerd.v1 import enrollment_pb2
from tests.daemon.people import evidence, person, speaker

HEARD = evidence(2.0, snr=20.5)


def test_progress_tells_what_is_needed() -> None:
    message = convert_enrollment.progress_response(EnrollmentProgress(32_000, 2, HEARD, 48_000, 16_001), "id")
    assert (message.request_id, message.audio_processed, message.progress.recording) == ("id", convert.duration(32_000), 2)
    assert (message.progress.speech, message.progress.speech_needed) == (convert.duration(48_000), convert.duration(16_001))
    assert message.progress.evidence == convert.evidence(HEARD)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_name_in_the_api(verdict: Verdict) -> None:
    message = convert_enrollment.recording_quality(RecordingQuality(HEARD, 2.5, 0.75, verdict))
    assert enrollment_pb2.RecordingVerdict.Name(message.verdict) == f"RECORDING_VERDICT_{verdict.name}"
    assert (message.evidence, message.agreement_llr, message.agreement_score) == (convert.evidence(HEARD), 2.5, 0.75)
    assert message.advice == ADVICE[verdict]


def test_a_recording_with_nothing_to_compare_has_no_agreement() -> None:
    message = convert_enrollment.recording_quality(RecordingQuality(HEARD, None, None, Verdict.GOOD))
    assert not message.HasField("agreement_llr")
    assert not message.HasField("agreement_score")


def test_the_result_tells_of_the_speaker_the_recordings_and_close_voices() -> None:
    anna = speaker("anna", person(0), person(0, 1))
    added = Enrollment(anna.templates[1:], (RecordingQuality(HEARD, 2.5, 0.75, Verdict.GOOD),), (SimilarVoice("ben", 0.5, 0.25),))
    message = convert_enrollment.result_response(anna, added, 16_000, "id")
    assert (message.request_id, message.audio_processed) == ("id", convert.duration(16_000))
    assert (message.result.speaker, len(message.result.recordings)) == (convert.speaker(anna), 1)
    [similar] = message.result.similar_voices
    assert (similar.speaker, similar.score, similar.mutual_false_accept_rate) == ("ben", 0.5, 0.25)
