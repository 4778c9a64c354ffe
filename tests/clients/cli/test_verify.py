from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from proto.speakerd.v1 import audio_pb2, decision_pb2, verification_pb2
from tests.clients.cli.conftest import Speakerctl
from tests.clients.double import Double, decision, failure

EVIDENCE = "(LLR ada +7.5; posterior 75.0% after 1.2 s of speech)\n"
VERDICTS = [
    (decision_pb2.OUTCOME_ACCEPT, 0, f"ACCEPT ada: the voice fits {EVIDENCE}"),
    (decision_pb2.OUTCOME_REJECT, 1, f"REJECT: the voice does not fit {EVIDENCE}"),
    (decision_pb2.OUTCOME_UNDECIDED, 3, f"UNDECIDED: no speech was heard {EVIDENCE}"),
    (
        decision_pb2.OUTCOME_AMBIGUOUS,
        3,
        f"AMBIGUOUS ada: two speakers fit nearly equally well {EVIDENCE}",
    ),
]


@pytest.mark.parametrize(("outcome", "status", "sentence"), VERDICTS)
def test_the_exit_status_is_the_verdict(
    speakerctl: Speakerctl, double: Double, recording: Path, outcome: decision_pb2.Outcome.ValueType, status: int, sentence: str
) -> None:
    double.answers = [decision(decision_pb2.OUTCOME_UNDECIDED, 0.4, final=False), decision(outcome, 0.75)]

    done = speakerctl("verify", "ada", recording)

    assert (done.status, done.out, done.err) == (status, sentence, "")
    assert list(double.verify_config.speakers) == ["ada"]


def test_json_prints_every_event(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    double.answers = [
        verification_pb2.VerifyResponse(speech_started=verification_pb2.SpeechStarted()),
        verification_pb2.VerifyResponse(speech_ended=verification_pb2.SpeechEnded()),
        decision(decision_pb2.OUTCOME_REJECT, 0.25),
    ]

    done = speakerctl("verify", "ada", recording, "--json")

    assert done.status == 1
    assert done.objects == [
        {"event": "speech_started", "audio_seconds": 0.0, "offset_seconds": 0.0},
        {"event": "speech_ended", "audio_seconds": 0.0, "offset_seconds": 0.0},
        {
            "event": "decision",
            "audio_seconds": 2.5,
            "decision": "REJECT",
            "final": True,
            "reason": "LLR_BELOW_BOUNDARY",
            "speaker": "ada",
            "score": 0.25,
            "llr": 2.5,
            "posterior": 0.25,
            "margin_accept": -2.5,
            "margin_reject": 5.0,
            "expected_speech_seconds": None,
            "speech_seconds": 1.25,
            "snr_db": 20.0,
            "clipped_fraction": 0.0,
            "bandwidth_hertz": 7000.0,
            "voice_probability": 0.75,
            "candidates": [{"speaker": "ada", "score": 0.25, "llr": 2.5}],
        },
    ]


def test_identify_asks_for_nobody_in_particular(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    done = speakerctl("identify", recording, "--wait-for-end")

    assert (done.status, done.out) == (0, "ACCEPT ada: the voice fits (LLR ada +7.5; posterior 75.0% after 1.2 s of speech)\n")
    assert list(double.verify_config.speakers) == []
    assert double.verify_config.wait_for_end


def test_an_attempt_may_be_stricter(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    assert speakerctl("verify", "ada", recording).status == 0
    assert not double.verify_config.HasField("false_accept_rate")
    assert speakerctl("identify", recording, "--false-accept-rate", "0.001").status == 0
    assert double.verify_config.false_accept_rate == 0.001
    assert speakerctl("verify", "ada", recording, "--false-accept-rate", "0").status == 2


def test_realtime_sends_the_same_audio(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    speakerctl("verify", "ada", recording)
    fast = bytes(double.audio)
    double.audio.clear()

    assert speakerctl("verify", "ada", recording, "--realtime").status == 0
    assert bytes(double.audio) == fast


def test_what_the_daemon_refuses_is_no_verdict(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    double.failure = failure(grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND", "nobody is enrolled as 'ada'")

    done = speakerctl("verify", "ada", recording)

    assert (done.status, done.out, done.err) == (5, "", "speakerctl: nobody is enrolled as 'ada'\n")


def test_a_stream_without_a_decision_is_no_verdict(speakerctl: Speakerctl, double: Double, recording: Path) -> None:
    double.answers = []

    done = speakerctl("verify", "ada", recording)

    assert (done.status, done.err) == (5, "speakerctl: the daemon ended the stream without a decision\n")


def test_raw_audio_from_standard_input(double: Double, socket: Path) -> None:
    pcm = bytes(range(250)) * 100
    command = [sys.executable, "-m", "clients", "verify", "ada", "-", "--rate", "8000", "--channels", "2"]

    done = subprocess.run(command, input=pcm, env=os.environ | {"SPEAKERD_SOCKET": str(socket)}, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert bytes(double.audio) == pcm
    assert double.verify_config.audio == audio_pb2.AudioConfig(
        encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=8_000, channel_count=2
    )


def test_an_early_verdict_leaves_a_pipe_that_stays_open(double: Double, socket: Path) -> None:
    double.decide_after = 3_200
    source, sink = os.pipe()
    os.write(sink, bytes(6_400))
    command = [sys.executable, "-m", "clients", "verify", "ada", "-"]

    done = subprocess.run(command, stdin=source, env=os.environ | {"SPEAKERD_SOCKET": str(socket)}, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    os.close(source)
    os.close(sink)


def test_a_closed_standard_input(socket: Path) -> None:
    command = [sys.executable, "-m", "clients", "verify", "ada", "-"]

    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&-', "sh", *command], env=os.environ | {"SPEAKERD_SOCKET": str(socket)}, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (2, b"speakerctl: standard input cannot be read: Bad file descriptor\n")
