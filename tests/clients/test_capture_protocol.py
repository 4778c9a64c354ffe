from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from clients import capture_messages as messages
from clients import capture_protocol as protocol
from clients.audio import Audio, AudioFormat, Encoding
from clients.capture_messages import CaptureChange, CaptureNews, CaptureState
from clients.errors import ProtocolError
from clients.messages import EnrollConfig, Enrolled, EnrollmentProgress, EnrollMode, Evidence, Reason
from clients.protocol import MAX_CHUNK
from proto.speakerd.v1 import (
    audio_pb2,
    capture_event_pb2,
    captures_pb2,
    decision_pb2,
    enrollment_pb2,
    feed_pb2,
    speakers_pb2,
    subscription_pb2,
)

SAMPLE = Duration(seconds=3, nanos=62_500)
TIME = Timestamp(seconds=1_700_000_000, nanos=500_000_000)
READ_TIME = datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)
CAPTURE = captures_pb2.Capture(
    name="door",
    device="USB",
    state=captures_pb2.CAPTURE_STATE_WAITING,
    problem="plug it in",
    captured=SAMPLE,
    counters=captures_pb2.CaptureCounters(overruns=1, stalls=2, reopened=3, clipped_samples=4),
)
READ_CAPTURE = messages.Capture("door", "USB", CaptureState.WAITING, "plug it in", 48_001 / 16_000, messages.CaptureCounters(1, 2, 3, 4))


def read(event: capture_event_pb2.CaptureEvent) -> messages.CaptureEvent | None:
    return protocol.response_event(subscription_pb2.SubscribeResponse(event=event))


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (CaptureState, captures_pb2.CaptureState, "CAPTURE_STATE_"),
        (CaptureChange, capture_event_pb2.CaptureChange, "CAPTURE_CHANGE_"),
    ],
)
def test_the_clients_enums_are_those_of_the_api(
    ours: type[CaptureState | CaptureChange], theirs: type[captures_pb2.CaptureState], prefix: str
) -> None:
    assert {member.name for member in ours} == {name.removeprefix(prefix) for name in theirs.keys()}  # noqa: SIM118


def test_a_subscription_is_asked_for_whole() -> None:
    config = messages.SubscribeConfig(
        ["door", "hall"], decisions_only=True, speaker="ada", minimum_interval=0.25, levels=True, after=7, run_id="one"
    )

    assert protocol.subscribe_request(config) == subscription_pb2.SubscribeRequest(
        captures=["door", "hall"],
        decisions_only=True,
        speaker="ada",
        minimum_interval=Duration(nanos=250_000_000),
        levels=True,
        after_sequence=7,
        run_id="one",
    )


def test_a_feed_begins_with_its_config_and_splits_its_audio() -> None:
    audio = Audio(AudioFormat(Encoding.FLOAT32, 48_000, 2), [b"ab", b"", bytes(MAX_CHUNK + 1)])

    first, *rest = protocol.feed_requests(messages.FeedConfig("hall", interim=False, levels=True), audio)

    assert first.config == feed_pb2.FeedConfig(
        capture="hall",
        audio=audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=48_000, channel_count=2),
        interim_results=False,
        levels=True,
    )
    assert [len(request.audio) for request in rest] == [2, MAX_CHUNK, 1]


def test_an_enrollment_names_capture_and_speaker() -> None:
    assert protocol.enroll_request("door", EnrollConfig("ada", EnrollMode.REPLACE, True)) == captures_pb2.EnrollFromCaptureRequest(
        capture="door", speaker="ada", mode=enrollment_pb2.ENROLL_MODE_REPLACE, allow_similar=True
    )


@pytest.mark.parametrize(
    ("message", "news"),
    [
        (
            {"subscribed": capture_event_pb2.Subscribed(captures=[CAPTURE], sequence=12)},
            messages.Subscribed((READ_CAPTURE,), 12),
        ),
        (
            {"capture_changed": capture_event_pb2.CaptureChanged(change=capture_event_pb2.CAPTURE_CHANGE_LOST, capture=CAPTURE)},
            messages.CaptureChanged(CaptureChange.LOST, READ_CAPTURE),
        ),
        (
            {"attempt_started": capture_event_pb2.AttemptStarted(attempt=4, offset=Duration(nanos=187_500))},
            messages.AttemptStarted(4, 3 / 16_000),
        ),
        (
            {
                "speaker_changed": capture_event_pb2.SpeakerChanged(
                    attempt=4, speaker="ada", llr=-2.5, evidence=decision_pb2.Evidence(snr_db=20)
                )
            },
            messages.SpeakerChanged(4, "ada", -2.5, Evidence(0.0, 20.0, 0.0, 0.0)),
        ),
        (
            {"locked": capture_event_pb2.Locked(attempt=4, speaker="ada", reason=decision_pb2.REASON_SPEAKER_CHANGED)},
            messages.Locked(4, "ada", Reason.SPEAKER_CHANGED),
        ),
        ({"level": capture_event_pb2.Level(rms_dbfs=-20.5, peak_dbfs=-3.0, speech=True)}, messages.Level(-20.5, -3.0, speech=True)),
    ],
)
def test_events_are_read_whole(message: dict[str, capture_event_pb2.Level], news: CaptureNews) -> None:
    event = capture_event_pb2.CaptureEvent(
        run_id="one",
        sequence=12,
        time=TIME,
        capture="door",
        audio_processed=SAMPLE,
        **message,  # type: ignore[arg-type]
    )

    assert read(event) == messages.CaptureEvent("one", 12, READ_TIME, "door", 48_001 / 16_000, news)
    assert protocol.response_event(feed_pb2.FeedResponse(event=event)) == read(event)


def test_a_decision_tells_its_expiry() -> None:
    decision = decision_pb2.Decision(outcome=decision_pb2.OUTCOME_ACCEPT, is_final=True, speaker="ada", score=0.75)
    decided = capture_event_pb2.AttemptDecided(attempt=4, decision=decision, expires=TIME)

    event = read(capture_event_pb2.CaptureEvent(audio_processed=SAMPLE, attempt_decided=decided))

    assert event is not None
    assert isinstance(event.event, messages.AttemptDecided)
    assert (event.event.attempt, event.event.expires) == (4, READ_TIME)
    assert (event.event.decision.speaker, event.event.decision.at) == ("ada", 48_001 / 16_000)


def test_who_speaks_on_is_told_as_a_decision_is() -> None:
    decision = decision_pb2.Decision(outcome=decision_pb2.OUTCOME_ACCEPT, is_final=True, speaker="ada", llr=4.5)
    followed = capture_event_pb2.AttemptFollowed(attempt=4, decision=decision, expires=TIME)

    event = read(capture_event_pb2.CaptureEvent(audio_processed=SAMPLE, attempt_followed=followed))

    assert event is not None
    assert isinstance(event.event, messages.AttemptFollowed)
    assert (event.event.attempt, event.event.expires) == (4, READ_TIME)
    assert (event.event.decision.final, event.event.decision.llr) == (True, 4.5)


def test_a_decision_without_an_expiry_has_none() -> None:
    decided = capture_event_pb2.AttemptDecided(decision=decision_pb2.Decision(outcome=decision_pb2.OUTCOME_REJECT))

    event = read(capture_event_pb2.CaptureEvent(attempt_decided=decided))

    assert event is not None
    assert isinstance(event.event, messages.AttemptDecided)
    assert event.event.expires is None


def test_an_unknown_outcome_is_never_taken_for_another() -> None:
    decided = capture_event_pb2.AttemptDecided(decision=decision_pb2.Decision.FromString(b"\x08\x63"))

    with pytest.raises(ProtocolError, match="update the client"):
        read(capture_event_pb2.CaptureEvent(attempt_decided=decided))


def test_what_is_unknown_is_said_to_be_so() -> None:
    changed = capture_event_pb2.CaptureChanged.FromString(b"\x08\x63\x12\x02\x18\x63")

    event = read(capture_event_pb2.CaptureEvent(capture_changed=changed))

    assert event is not None
    assert isinstance(event.event, messages.CaptureChanged)
    assert (event.event.change, event.event.capture.state) == (CaptureChange.UNSPECIFIED, CaptureState.UNSPECIFIED)


def test_events_of_unknown_kinds_are_passed_over() -> None:
    assert read(capture_event_pb2.CaptureEvent(run_id="one", sequence=3)) is None
    assert protocol.enrollment_event(captures_pb2.EnrollFromCaptureResponse()) is None


def test_enrollment_events() -> None:
    progress = enrollment_pb2.EnrollProgress(recording=2, speech=Duration(seconds=4), speech_needed=Duration(seconds=1))
    result = enrollment_pb2.EnrollResult(speaker=speakers_pb2.Speaker(name="ada"), recordings=[enrollment_pb2.RecordingQuality()])

    heard = protocol.enrollment_event(captures_pb2.EnrollFromCaptureResponse(progress=progress))
    enrolled = protocol.enrollment_event(captures_pb2.EnrollFromCaptureResponse(result=result))

    assert isinstance(heard, EnrollmentProgress)
    assert (heard.recording, heard.speech, heard.needed) == (2, 4.0, 1.0)
    assert isinstance(enrolled, Enrolled)
    assert (enrolled.speaker.name, len(enrolled.recordings)) == ("ada", 1)


def test_a_device() -> None:
    device = captures_pb2.Device(index=3, name="USB", channels=2, sample_rate_hertz=48_000, is_default=True)

    assert protocol.device(device) == messages.Device(3, "USB", 2, 48_000, is_default=True)
