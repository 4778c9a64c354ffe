from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from clients import messages, protocol
from clients.audio import Audio, AudioFormat, Encoding
from clients.errors import ProtocolError
from clients.messages import Candidate, Decision, EnrollConfig, EnrollMode, Evidence, Outcome, Reason, VerifyConfig
from proto.speakerd.v1 import audio_pb2, decision_pb2, enrollment_pb2, speakers_pb2, status_pb2, verification_pb2

LINEAR = AudioFormat(Encoding.LINEAR16, 16_000)
SAMPLE = Duration(seconds=3, nanos=62_500)
"""Three seconds and one sample at 16 kHz."""
EVIDENCE = decision_pb2.Evidence(speech=SAMPLE, snr_db=21.5, clipped_fraction=0.25, bandwidth_hertz=7500.0)


@given(st.integers(0, 4 * protocol.MAX_CHUNK))
def test_chunks_are_cut_to_fit_and_nothing_is_lost(size: int) -> None:
    chunk = bytes(size)

    pieces = list(protocol.split(chunk))

    assert b"".join(pieces) == chunk
    assert all(0 < len(piece) <= protocol.MAX_CHUNK for piece in pieces)
    assert len(pieces) == -(-size // protocol.MAX_CHUNK)


def test_an_attempt_is_its_config_and_then_audio() -> None:
    config = VerifyConfig(["ada", "bob"], interim=True, wait_for_end=True, candidates=9, request_id="door-7")
    audio = Audio(AudioFormat(Encoding.FLOAT32, 44_100, 2), [b"12345678", b"", b"9"])

    first, *rest = protocol.verify_requests(config, audio)

    assert first == verification_pb2.VerifyRequest(
        config=verification_pb2.VerifyConfig(
            request_id="door-7",
            audio=audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=44_100, channel_count=2),
            speakers=["ada", "bob"],
            interim_results=True,
            wait_for_end=True,
            max_candidates=9,
        )
    )
    assert [request.audio for request in rest] == [b"12345678", b"9"]


def test_an_enrollment_marks_where_recordings_begin() -> None:
    recordings = [Audio(LINEAR, [b"ab"]), Audio(AudioFormat(Encoding.MULAW, 8_000), [b"c", b"d"])]

    requests = list(protocol.enroll_requests(EnrollConfig("ada", EnrollMode.ADD, allow_similar=True, request_id="7"), recordings))

    assert [request.WhichOneof("payload") for request in requests] == ["config", "audio", "next_recording", "audio", "audio"]
    assert requests[0].config == enrollment_pb2.EnrollConfig(
        request_id="7",
        speaker="ada",
        audio=audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000, channel_count=1),
        mode=enrollment_pb2.ENROLL_MODE_ADD,
        allow_similar=True,
    )
    assert requests[2].next_recording.audio.encoding == audio_pb2.AUDIO_ENCODING_MULAW


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (Outcome, decision_pb2.Outcome, "OUTCOME_"),
        (Reason, decision_pb2.Reason, "REASON_"),
        (EnrollMode, enrollment_pb2.EnrollMode, "ENROLL_MODE_"),
        (Encoding, audio_pb2.AudioEncoding, "AUDIO_ENCODING_"),
    ],
)
def test_the_clients_enums_are_those_of_the_api(
    ours: type[Outcome | Reason | EnrollMode | Encoding], theirs: type[decision_pb2.Outcome], prefix: str
) -> None:
    assert {member.name for member in ours} | {"UNSPECIFIED"} == {name.removeprefix(prefix) for name in theirs.keys()}  # noqa: SIM118


def test_speech_events_are_exact_to_the_sample() -> None:
    offset = Duration(nanos=187_500)
    started = verification_pb2.VerifyResponse(audio_processed=SAMPLE, speech_started=verification_pb2.SpeechStarted(offset=offset))
    ended = verification_pb2.VerifyResponse(audio_processed=SAMPLE, speech_ended=verification_pb2.SpeechEnded(offset=offset))

    assert protocol.verification_event(started) == messages.SpeechStarted(48_001 / 16_000, 3 / 16_000)
    assert protocol.verification_event(ended) == messages.SpeechEnded(48_001 / 16_000, 3 / 16_000)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_decision_is_read_whole(outcome: Outcome) -> None:
    response = verification_pb2.VerifyResponse(
        audio_processed=SAMPLE,
        decision=decision_pb2.Decision(
            outcome=decision_pb2.Outcome.Value(f"OUTCOME_{outcome.name}"),
            is_final=True,
            reason=decision_pb2.REASON_LLR_ABOVE_BOUNDARY,
            speaker="ada",
            score=0.75,
            llr=4.5,
            posterior=0.875,
            margin_accept=0.5,
            margin_reject=6.5,
            evidence=EVIDENCE,
            candidates=[
                decision_pb2.Candidate(speaker="ada", score=0.75, llr=4.5),
                decision_pb2.Candidate(speaker="bob", score=-0.5, llr=-20.0),
            ],
        ),
    )

    assert protocol.verification_event(response) == Decision(
        at=48_001 / 16_000,
        outcome=outcome,
        final=True,
        reason=Reason.LLR_ABOVE_BOUNDARY,
        speaker="ada",
        score=0.75,
        llr=4.5,
        posterior=0.875,
        margin_accept=0.5,
        margin_reject=6.5,
        expected_speech=None,
        evidence=Evidence(48_001 / 16_000, 21.5, 0.25, 7500.0),
        candidates=(Candidate("ada", 0.75, 4.5), Candidate("bob", -0.5, -20.0)),
    )


def test_the_speech_that_is_expected_to_be_needed_is_read() -> None:
    undecided = decision_pb2.Decision(outcome=decision_pb2.OUTCOME_UNDECIDED, expected_speech=SAMPLE)
    assert protocol.decision(1.0, undecided).expected_speech == 48_001 / 16_000


def test_a_target_is_sent_only_if_there_is_one() -> None:
    audio = AudioFormat(Encoding.LINEAR16, 16_000)
    assert not protocol.verify_config(VerifyConfig(), audio).config.HasField("false_accept_rate")
    assert protocol.verify_config(VerifyConfig(false_accept_rate=0.001), audio).config.false_accept_rate == 0.001


@pytest.mark.parametrize("number", [0, 99])
def test_an_unknown_outcome_is_never_taken_for_another(number: int) -> None:
    decision = decision_pb2.Decision.FromString(b"\x08" + bytes([number]))

    with pytest.raises(ProtocolError, match="update the client"):
        protocol.verification_event(verification_pb2.VerifyResponse(decision=decision))


def test_an_unknown_reason_is_said_to_be_so() -> None:
    decision = decision_pb2.Decision.FromString(b"\x08\x02\x18\x63")

    event = protocol.verification_event(verification_pb2.VerifyResponse(decision=decision))

    assert isinstance(event, Decision)
    assert (event.outcome, event.reason) == (Outcome.REJECT, Reason.UNSPECIFIED)


def test_events_of_unknown_kinds_are_passed_over() -> None:
    assert protocol.verification_event(verification_pb2.VerifyResponse(request_id="7")) is None
    assert protocol.enrollment_event(enrollment_pb2.EnrollResponse(request_id="7")) is None


def test_enrollment_progress() -> None:
    progress = enrollment_pb2.EnrollProgress(recording=2, evidence=EVIDENCE, speech=Duration(seconds=4), speech_needed=Duration(seconds=1))

    event = protocol.enrollment_event(enrollment_pb2.EnrollResponse(audio_processed=SAMPLE, progress=progress))

    evidence = Evidence(48_001 / 16_000, 21.5, 0.25, 7500.0)
    assert event == messages.EnrollmentProgress(48_001 / 16_000, 2, evidence, 4.0, 1.0)


def test_enrollment_result() -> None:
    speaker = speakers_pb2.Speaker(
        name="ada",
        model_id="edge-1",
        recordings=3,
        speech=Duration(seconds=12),
        create_time=Timestamp(seconds=1_700_000_000),
        update_time=Timestamp(seconds=1_700_000_060),
        sessions=2,
        adapted_attempts=4,
    )
    noisy = enrollment_pb2.RecordingQuality(
        evidence=EVIDENCE,
        agreement_llr=0.0,
        agreement_score=-0.5,
        verdict=enrollment_pb2.RECORDING_VERDICT_NOISY,
        advice="it is noisy",
    )
    similar = enrollment_pb2.SimilarVoice(speaker="eve", score=0.5, mutual_false_accept_rate=0.25)
    unknown = enrollment_pb2.RecordingQuality(verdict=99)  # type: ignore[arg-type]
    result = enrollment_pb2.EnrollResult(speaker=speaker, recordings=[noisy, unknown], similar_voices=[similar])

    event = protocol.enrollment_event(enrollment_pb2.EnrollResponse(audio_processed=SAMPLE, result=result))

    assert event == messages.Enrolled(
        at=48_001 / 16_000,
        speaker=messages.Speaker(
            name="ada",
            model_id="edge-1",
            recordings=3,
            speech=12.0,
            created=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
            updated=datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC),
            sessions=2,
            adapted_attempts=4,
        ),
        recordings=(
            messages.RecordingQuality(
                Evidence(48_001 / 16_000, 21.5, 0.25, 7500.0), 0.0, -0.5, messages.RecordingVerdict.NOISY, "it is noisy"
            ),
            messages.RecordingQuality(Evidence(0.0, 0.0, 0.0, 0.0), None, None, messages.RecordingVerdict.UNSPECIFIED, ""),
        ),
        similar_voices=(messages.SimilarVoice("eve", 0.5, 0.25),),
    )


def test_status() -> None:
    response = status_pb2.GetStatusResponse(
        version="1.2.3",
        model_id="edge-1",
        backend="torch",
        uptime=SAMPLE,
        speakers=4,
        active_streams=1,
        max_streams=32,
        false_accept_rate=0.01,
        false_reject_rate=0.05,
        prior=0.25,
        accept_llr=4.5,
        reject_llr=-2.5,
    )

    assert protocol.status(response) == messages.Status("1.2.3", "edge-1", "torch", 48_001 / 16_000, 4, 1, 32, 0.01, 0.05, 0.25, 4.5, -2.5)
