from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from proto.speakerd.v1 import enrollment_pb2
from tests.clients.cli.conftest import Speakerctl
from tests.clients.double import Double, failure


def test_enroll_says_what_is_stored(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    done = speakerctl("enroll", "ada", recording, recording)

    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Enrolled ada: 3 recordings, 9.5 s of speech, edge-1, 2023-11-14 22:13 UTC",
        "  recording 1: it is noisy: speak nearer to the microphone (2.0 s of speech, SNR 0 dB, agreement LLR +1.5)",
        "  close to eve: some 12% of the attempts of one would be accepted as the other",
    ]
    assert double.enroll_requests[0].config.speaker == "ada"
    assert [request.WhichOneof("payload") for request in double.enroll_requests].count("next_recording") == 1


def test_json_prints_every_event(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    done = speakerctl("--json", "enroll", "ada", recording, recording)

    assert done.status == 0
    assert list(double.enrolled) == ["ada"]
    nothing = {"snr_db": 0.0, "clipped_fraction": 0.0, "bandwidth_hertz": 0.0, "voice_probability": 0.0}
    assert done.objects == [
        {
            "event": "enrollment_progress",
            "audio_seconds": 2.0,
            "recording": 1,
            "speech_seconds": 1.0,
            "needed_seconds": 2.0,
            "evidence": {"speech_seconds": 1.0, **nothing},
        },
        {
            "event": "enrolled",
            "audio_seconds": 4.0,
            "speaker": "ada",
            "model_id": "edge-1",
            "recordings": 3,
            "speech_seconds": 9.5,
            "created": "2023-11-14T22:13:20+00:00",
            "updated": "2023-11-14T22:13:20+00:00",
            "sessions": 0,
            "adapted_attempts": 0,
            "recording_quality": [
                {
                    "verdict": "NOISY",
                    "advice": "it is noisy: speak nearer to the microphone",
                    "agreement_llr": 1.5,
                    "agreement_score": 0.75,
                    "speech_seconds": 2.0,
                    **nothing,
                }
            ],
            "similar_voices": [{"speaker": "eve", "score": 0.625, "mutual_false_accept_rate": 0.125}],
        },
    ]


@pytest.mark.parametrize(
    ("options", "mode", "similar"),
    [
        ([], enrollment_pb2.ENROLL_MODE_CREATE, False),
        (["--replace"], enrollment_pb2.ENROLL_MODE_REPLACE, False),
        (["--add", "--allow-similar"], enrollment_pb2.ENROLL_MODE_ADD, True),
    ],
)
def test_modes(
    speakerctl: Speakerctl,
    double: Double,
    recording: Path,
    options: list[str],
    mode: enrollment_pb2.EnrollMode.ValueType,
    similar: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    assert speakerctl("enroll", "ada", recording, *options).status == 0

    config = double.enroll_requests[0].config
    assert (config.mode, config.allow_similar) == (mode, similar)


def test_a_refused_enrollment(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    double.failure = failure(grpc.StatusCode.FAILED_PRECONDITION, "VOICES_DIFFER", "recording 2 is another voice: leave it out")

    done = speakerctl("enroll", "ada", recording, "--json")

    assert done.status == 5
    assert done.objects == [{"error": {"reason": "VOICES_DIFFER", "message": "recording 2 is another voice: leave it out"}}]
    assert done.err == "speakerctl: recording 2 is another voice: leave it out\n"


@pytest.mark.usefixtures("double")
def test_a_file_that_is_not_audio(speakerctl: Speakerctl, recording: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not audio")

    done = speakerctl("enroll", "ada", recording, text)

    assert done.status == 2
    assert done.err == f"speakerctl: {text} cannot be read as audio; use a wav, flac, ogg, opus or mp3 file\n"
