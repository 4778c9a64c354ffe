from __future__ import annotations

import pytest

from daemon.errors import InvalidAudioConfigError, MalformedMessageError
from daemon.events import Candidate, Decision, Evidence, Outcome, Reason, SpeechEnded, SpeechStarted
from daemon.hearing.audio import Encoding
from daemon.server import convert
from daemon.store.voiceprints import SaveMode
from proto.speakerd.v1 import audio_pb2, decision_pb2, enrollment_pb2

HEARD = Evidence(speech=16_001, snr=20.5, clipped=0.25, bandwidth=7_000.0, voice=0.875)


@pytest.mark.parametrize(
    ("samples", "nanoseconds"), [(0, 0), (1, 62_500), (16_000, 10**9), (16_001, 1_000_062_500), (4_800_000, 300 * 10**9)]
)
def test_durations_are_exact(samples: int, nanoseconds: int) -> None:
    assert convert.duration(samples).ToNanoseconds() == nanoseconds


def test_a_decision_tells_everything() -> None:
    candidates = Candidate("anna", 0.75, 4.5), Candidate("ben", 0.25, -3.0)
    event = Decision(32_000, Outcome.ACCEPT, True, Reason.LLR_ABOVE_BOUNDARY, HEARD, candidates, 4.5, 0.75, 0.5, 6.5)
    response = convert.verify_response(event, "id")
    message = response.decision
    assert (response.request_id, response.audio_processed.seconds) == ("id", 2)
    assert (message.outcome, message.is_final, message.reason) == (
        decision_pb2.OUTCOME_ACCEPT,
        True,
        decision_pb2.REASON_LLR_ABOVE_BOUNDARY,
    )
    assert (message.speaker, message.score, message.llr, message.posterior) == ("anna", 0.75, 4.5, 0.75)
    assert (message.margin_accept, message.margin_reject, message.HasField("expected_speech")) == (0.5, 6.5, False)
    assert [(each.speaker, each.score, each.llr) for each in message.candidates] == [("anna", 0.75, 4.5), ("ben", 0.25, -3.0)]
    assert message.evidence == decision_pb2.Evidence(
        speech=convert.duration(16_001), snr_db=20.5, clipped_fraction=0.25, bandwidth_hertz=7_000.0, voice_probability=0.875
    )


def test_the_further_speech_that_is_expected_to_be_needed_is_told() -> None:
    undecided = Decision(0, Outcome.UNDECIDED, False, Reason.LLR_BETWEEN_BOUNDARIES, HEARD, expected_seconds=1.28)
    assert convert.decision(undecided).expected_speech == convert.duration(20_480)


def test_a_decision_without_a_score_names_nobody() -> None:
    message = convert.decision(Decision(0, Outcome.UNDECIDED, True, Reason.NO_SPEECH, Evidence()))
    assert (message.speaker, message.score, message.llr, list(message.candidates)) == ("", 0.0, 0.0, [])


def test_speech_has_its_offset() -> None:
    started, ended = convert.verify_response(SpeechStarted(160, 16), ""), convert.verify_response(SpeechEnded(320, 32), "")
    assert (started.audio_processed, started.speech_started.offset) == (convert.duration(160), convert.duration(16))
    assert (ended.audio_processed, ended.speech_ended.offset) == (convert.duration(320), convert.duration(32))


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("reason", Reason)
def test_every_outcome_and_reason_has_its_name_in_the_api(outcome: Outcome, reason: Reason) -> None:
    message = convert.decision(Decision(0, outcome, False, reason, HEARD))
    assert decision_pb2.Outcome.Name(message.outcome) == f"OUTCOME_{outcome.name}"
    assert decision_pb2.Reason.Name(message.reason) == f"REASON_{reason.name}"


@pytest.mark.parametrize("encoding", Encoding)
def test_every_encoding_of_the_api_is_decoded(encoding: Encoding) -> None:
    number = audio_pb2.AudioEncoding.Value(f"AUDIO_ENCODING_{encoding.name}")
    decoder = convert.decoder(audio_pb2.AudioConfig(encoding=number, sample_rate_hertz=16_000))
    assert len(decoder.push(bytes(8))) == {Encoding.LINEAR16: 4, Encoding.FLOAT32: 2}.get(encoding, 8)


def test_no_channel_count_stands_for_one() -> None:
    config = audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_MULAW, sample_rate_hertz=16_000)
    assert len(convert.decoder(config).push(bytes(4))) == 4


@pytest.mark.parametrize("encoding", [0, 99])
def test_other_encodings_are_refused(encoding: int) -> None:
    config = audio_pb2.AudioConfig(encoding=encoding, sample_rate_hertz=16_000)  # type: ignore[arg-type]
    with pytest.raises(InvalidAudioConfigError, match="LINEAR16, FLOAT32, MULAW, ALAW"):
        convert.decoder(config)


def test_modes() -> None:
    numbers = (
        enrollment_pb2.ENROLL_MODE_UNSPECIFIED,
        enrollment_pb2.ENROLL_MODE_CREATE,
        enrollment_pb2.ENROLL_MODE_REPLACE,
        enrollment_pb2.ENROLL_MODE_ADD,
    )
    assert [convert.save_mode(number) for number in numbers] == [SaveMode.CREATE, SaveMode.CREATE, SaveMode.REPLACE, SaveMode.ADD]
    with pytest.raises(MalformedMessageError, match="mode 99 is not one"):
        convert.save_mode(99)
