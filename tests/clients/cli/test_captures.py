from __future__ import annotations

import pytest

from proto.speakerd.v1 import captures_pb2, enrollment_pb2
from tests.clients.capture_double import CaptureDouble, capture
from tests.clients.cli.conftest import Speakerctl

pytestmark = pytest.mark.usefixtures("capture_server")

DOOR = {
    "capture": "door",
    "device": "USB",
    "state": "LISTENING",
    "problem": "",
    "captured_seconds": 61.5,
    "overruns": 1,
    "stalls": 2,
    "reopened": 3,
    "clipped_samples": 4,
}


def test_captures_and_how_they_are(speakerctl: Speakerctl, captures: CaptureDouble) -> None:
    captures.captures["hall"] = capture("hall", captures_pb2.CAPTURE_STATE_WAITING, "plug the microphone in")
    captures.captures["hall"].ClearField("counters")

    done = speakerctl("captures")

    assert (done.status, done.err) == (0, "")
    assert done.out == (
        "door (USB): listening, 0:01:01 heard, 1 over-runs, 2 stalls, 3 times reopened\n"
        "hall (USB): waiting, 0:01:01 heard: plug the microphone in\n"
    )
    assert speakerctl("captures", "--json").objects[0] == DOOR


def test_no_captures(speakerctl: Speakerctl, captures: CaptureDouble) -> None:
    captures.captures.clear()

    assert speakerctl("captures").out.startswith("The daemon has no captures; its settings name them under `captures`.")
    assert speakerctl("captures", "--json").out == ""


def test_devices(speakerctl: Speakerctl) -> None:
    done = speakerctl("devices")

    assert (done.status, done.out) == (
        0,
        "  3  USB microphone: 2 channels, 48000 Hz, the default\n  4  Webcam: 1 channel, 16000 Hz\n",
    )
    assert speakerctl("devices", "--json").objects[1] == {
        "device": "Webcam",
        "index": 4,
        "channels": 1,
        "sample_rate_hertz": 16_000,
        "default": False,
    }


def test_stopping_and_starting(speakerctl: Speakerctl, captures: CaptureDouble) -> None:
    stopped = speakerctl("stop", "door", "--json")
    assert (stopped.status, stopped.objects) == (0, [{**DOOR, "state": "STOPPED"}])
    assert captures.captures["door"].state == captures_pb2.CAPTURE_STATE_STOPPED

    started = speakerctl("start", "door")
    assert (started.status, started.out.startswith("door (USB): listening")) == (0, True)
    assert captures.captures["door"].state == captures_pb2.CAPTURE_STATE_LISTENING


@pytest.mark.parametrize("command", [["start", "attic"], ["stop", "attic"], ["enroll", "ada", "--capture", "attic"]])
def test_an_unknown_capture_is_refused(speakerctl: Speakerctl, command: list[str]) -> None:
    done = speakerctl(*command, "--json")

    assert done.status == 5
    assert done.objects == [{"error": {"reason": "CAPTURE_NOT_FOUND", "message": "there is no capture 'attic'"}}]


def test_enrolling_whoever_speaks(speakerctl: Speakerctl, captures: CaptureDouble) -> None:
    done = speakerctl("enroll", "ada", "--capture", "door", "--add", "--allow-similar", "--json")

    assert done.status == 0
    assert [line["event"] for line in done.objects] == ["enrollment_progress", "enrolled"]
    assert (done.objects[0]["needed_seconds"], done.objects[1]["speaker"]) == (2.0, "ada")
    assert captures.enrollments == [
        captures_pb2.EnrollFromCaptureRequest(capture="door", speaker="ada", mode=enrollment_pb2.ENROLL_MODE_ADD, allow_similar=True)
    ]
