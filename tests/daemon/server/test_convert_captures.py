from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daemon.events import AttemptStarted, Evidence, Level, Locked, Reason, SpeakerChanged
from daemon.server import convert, convert_captures
from daemon.watch.capture_events import (
    CaptureChange,
    CaptureChanged,
    CaptureCounters,
    CaptureEvent,
    CaptureState,
    CaptureStatus,
    Published,
)
from proto.speakerd.v1 import capture_event_pb2, captures_pb2, decision_pb2
from tests.daemon.captured import decided, followed

NOW = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
STATUS = CaptureStatus("kitchen", "usb", CaptureState.WAITING, "unplugged", 16_001, CaptureCounters(1, 2, 3, 4))


def message(event: Published, expires: datetime | None = None) -> capture_event_pb2.CaptureEvent:
    return convert_captures.capture_event(CaptureEvent("run", 7, NOW, "kitchen", event, expires))


def test_a_capture_tells_everything() -> None:
    assert convert_captures.capture(STATUS) == captures_pb2.Capture(
        name="kitchen",
        device="usb",
        state=captures_pb2.CAPTURE_STATE_WAITING,
        problem="unplugged",
        captured=convert.duration(16_001),
        counters=captures_pb2.CaptureCounters(overruns=1, stalls=2, reopened=3, clipped_samples=4),
    )


def test_an_event_tells_when_and_where() -> None:
    event = message(AttemptStarted(16_000, 3, 8_000))
    assert (event.run_id, event.sequence, event.capture) == ("run", 7, "kitchen")
    assert event.time.ToDatetime(UTC) == NOW
    assert event.audio_processed.ToMilliseconds() == 1_000
    assert (event.attempt_started.attempt, event.attempt_started.offset.ToMilliseconds()) == (3, 500)


def test_a_decision_may_expire() -> None:
    event = message(decided(), NOW + timedelta(seconds=5))
    assert event.attempt_decided.expires.ToDatetime(UTC) == NOW + timedelta(seconds=5)
    assert event.attempt_decided.decision.speaker == "anna"
    assert not message(decided()).attempt_decided.HasField("expires")


def test_who_speaks_on_is_told_as_a_decision_is() -> None:
    event = message(followed(), NOW + timedelta(seconds=5)).attempt_followed
    assert event.expires.ToDatetime(UTC) == NOW + timedelta(seconds=5)
    assert (event.attempt, event.decision) == (1, convert.decision(followed().decision))
    assert not message(followed(final=False)).attempt_followed.HasField("expires")


def test_a_change_of_speaker_is_told() -> None:
    changed = message(SpeakerChanged(160, 3, "anna", -2.5, Evidence(speech=28_800, snr=20.0))).speaker_changed
    assert (changed.attempt, changed.speaker, changed.llr) == (3, "anna", -2.5)
    assert (changed.evidence.speech.ToMilliseconds(), changed.evidence.snr_db) == (1_800, 20.0)


def test_locking_is_told() -> None:
    locked = message(Locked(160, 3, "anna", Reason.VOICE_LOST)).locked
    assert (locked.attempt, locked.speaker, locked.reason) == (3, "anna", decision_pb2.REASON_VOICE_LOST)


def test_a_level_is_told() -> None:
    level = message(Level(160, -30.5, -20.25, speech=True)).level
    assert (level.rms_dbfs, level.peak_dbfs, level.speech) == (-30.5, -20.25, True)


@pytest.mark.parametrize("change", CaptureChange)
def test_every_change_has_a_name_in_the_api(change: CaptureChange) -> None:
    told = message(CaptureChanged(0, change, STATUS)).capture_changed
    assert capture_event_pb2.CaptureChange.Name(told.change) == f"CAPTURE_CHANGE_{change.value}"
    assert told.capture == convert_captures.capture(STATUS)


def test_a_subscription_stands() -> None:
    event = convert_captures.subscribed((STATUS,), "run", 9, NOW)
    assert (event.sequence, event.run_id, event.subscribed.sequence) == (0, "run", 9)
    assert [capture.name for capture in event.subscribed.captures] == ["kitchen"]
