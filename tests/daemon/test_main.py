"""The daemon as its operator meets it: real processes, real signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from daemon.config import LimitsConfig
from daemon.store.voiceprints import DATABASE, SaveMode, VoiceprintStore
from proto.speakerd.v1 import decision_pb2, enrollment_pb2, speakers_pb2, status_pb2, verification_pb2
from proto.speakerd.v1.enrollment_pb2_grpc import EnrollmentServiceStub
from proto.speakerd.v1.speakers_pb2_grpc import SpeakersServiceStub
from proto.speakerd.v1.status_pb2_grpc import StatusServiceStub
from proto.speakerd.v1.verification_pb2_grpc import VerificationServiceStub
from tests import audio
from tests.daemon.process import FAKED, DaemonProcess, daemon_process
from tests.daemon.server.harness import enroll_audio, enroll_config, linear16, next_recording, short_directory, verify_audio, verify_config
from tests.daemon.templates import template

RECORDINGS = [linear16(audio.voice(0, 1.5, take=take)) for take in range(4)]
ATTEMPT = linear16(audio.voice(0, 2.5, take=9))


@pytest.fixture
def directory() -> Iterator[Path]:
    with short_directory() as made:
        yield made


def enrollment(
    name: str, mode: enrollment_pb2.EnrollMode.ValueType = enrollment_pb2.ENROLL_MODE_CREATE
) -> list[enrollment_pb2.EnrollRequest]:
    first, *others = RECORDINGS
    requests = [enroll_config(name, mode), *enroll_audio(first)]
    for recording in others:
        requests += [next_recording(), *enroll_audio(recording)]
    return requests


def enroll(process: DaemonProcess, name: str) -> None:
    with process.channel() as channel:
        list(EnrollmentServiceStub(channel).Enroll(iter(enrollment(name))))


def verify(process: DaemonProcess) -> decision_pb2.Decision:
    with process.channel() as channel:
        *_, last = VerificationServiceStub(channel).Verify(iter([verify_config(), *verify_audio(ATTEMPT)]))
    return last.decision


def names(process: DaemonProcess) -> list[str]:
    with process.channel() as channel:
        return [speaker.name for speaker in SpeakersServiceStub(channel).ListSpeakers(speakers_pb2.ListSpeakersRequest()).speakers]


def command(*arguments: str | Path, module: str = FAKED) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_it_says_when_it_is_ready_and_where(directory: Path) -> None:
    with daemon_process(directory) as process:
        ready = process.ready()
        assert (ready["address"], ready["model"], ready["level"]) == (f"unix:{process.socket}", "fake-1", "info")
        assert names(process) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order(directory: Path, number: signal.Signals) -> None:
    with daemon_process(directory) as process:
        process.ready()
        process.signal(number)
        code, errors = process.end()
    assert code == 0
    assert [json.loads(line)["event"] for line in errors.splitlines()] == ["stopping", "stopped"]
    assert not process.socket.exists()
    assert sorted(path.name for path in process.data.iterdir()) == ["voiceprints.key", DATABASE]


def test_a_stream_that_is_open_when_it_is_stopped_gets_its_decision(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        enroll(process, "anna")
        opened = threading.Event()

        def requests() -> Iterator[verification_pb2.VerifyRequest]:
            yield verify_config(wait_for_end=True)
            first, *rest = verify_audio(ATTEMPT, 16_000)
            yield first
            assert opened.wait(timeout=60)
            process.signal(signal.SIGTERM)
            yield from rest

        with process.channel() as channel:
            responses = VerificationServiceStub(channel).Verify(requests())
            next(responses)
            opened.set()
            *_, last = responses
        assert last.decision.outcome == decision_pb2.OUTCOME_ACCEPT
        assert process.end()[0] == 0


def test_what_is_enrolled_outlives_it(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        enroll(process, "anna")
        process.stop()
    with daemon_process(directory) as process:
        process.ready()
        assert names(process) == ["anna"]
        assert verify(process).outcome == decision_pb2.OUTCOME_ACCEPT


def test_a_second_daemon_leaves_the_first_alone(directory: Path) -> None:
    with daemon_process(directory) as first:
        first.ready()
        with daemon_process(directory) as second:
            code, errors = second.end()
        assert code == 1
        assert errors.startswith(f"speakerd: another daemon listens at {first.socket}")
        assert names(first) == []
        first.stop()


def test_a_killed_daemon_is_replaced_on_its_socket(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        enroll(process, "anna")
        process.kill()
        assert process.socket.exists()
    with daemon_process(directory) as process:
        process.ready()
        assert names(process) == ["anna"]


def kept(process: DaemonProcess) -> dict[str, int]:
    """Return how many templates each speaker has, once the daemon is gone."""
    store = VoiceprintStore(process.data, process.data / "voiceprints.key", LimitsConfig())
    try:
        return {speaker.name: len(speaker.templates) for speaker in store.speakers()}
    finally:
        store.close()


def test_killed_before_an_enrollment_is_complete_nobody_is_enrolled(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        killed = threading.Event()

        def requests() -> Iterator[enrollment_pb2.EnrollRequest]:
            yield from enrollment("anna")
            assert killed.wait(timeout=60)

        with process.channel() as channel:
            responses = EnrollmentServiceStub(channel).Enroll(requests())
            assert [next(responses).WhichOneof("event") for _ in range(50)] == ["progress"] * 50
            process.kill()
            killed.set()
            with pytest.raises(grpc.RpcError):
                list(responses)
    assert kept(process) == {}


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.08])
def test_killed_while_it_enrolls_each_speaker_is_enrolled_fully_or_not_at_all(directory: Path, delay: float) -> None:
    enrolled: list[str] = []

    def enroll_forever(channel: grpc.Channel) -> None:
        for number in range(1_000):
            requests = [*enrollment(f"anna {number}")]
            requests[0].config.allow_similar = True
            try:
                list(EnrollmentServiceStub(channel).Enroll(iter(requests)))
            except grpc.RpcError:
                return
            enrolled.append(f"anna {number}")

    with daemon_process(directory) as process:
        process.ready()
        with process.channel() as channel:
            thread = threading.Thread(target=enroll_forever, args=(channel,))
            thread.start()
            while not enrolled:
                time.sleep(0.001)
            time.sleep(delay)
            process.kill()
            thread.join()
    found = kept(process)
    assert set(found.values()) == {len(RECORDINGS)}
    assert set(enrolled) <= found.keys()
    assert len(found) - len(enrolled) in {0, 1}


def test_the_environment_names_the_socket(directory: Path) -> None:
    environment = {"SPEAKERD_SOCKET": str(directory / "env.sock")}
    with daemon_process(directory, "serve", "--data-dir", str(directory / "data"), environment=environment) as process:
        assert process.ready()["address"] == f"unix:{directory}/env.sock"


def test_the_option_comes_before_the_environment_and_the_settings(directory: Path) -> None:
    settings = directory / "config.yaml"
    settings.write_text(f"server: {{socket: {directory}/file.sock}}\nstorage: {{directory: {directory}/data}}\nlimits: {{streams: 7}}\n")
    environment = {"SPEAKERD_SOCKET": str(directory / "env.sock")}
    arguments = ("serve", "--config", str(settings), "--socket", str(directory / "s.sock"))
    with daemon_process(directory, *arguments, environment=environment) as process:
        assert process.ready()["address"] == f"unix:{directory}/s.sock"
        with process.channel() as channel:
            assert StatusServiceStub(channel).GetStatus(status_pb2.GetStatusRequest()).max_streams == 7


def test_the_log_tells_what_happens_but_not_who_speaks(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        enroll(process, "Unmistakable")
        verify(process)
        log = process.stop()
    events = [line["event"] for line in log]
    assert events == [
        "ready",
        "stream opened",
        "enrolled",
        "stream closed",
        "stream opened",
        "decision",
        "stream closed",
        "stopping",
        "stopped",
    ]
    assert log[5]["outcome"] == "ACCEPT"
    assert len({line["request_id"] for line in log if "request_id" in line}) == 2
    assert "Unmistakable" not in json.dumps(log)
    assert max(len(str(value)) for line in log for value in line.values()) < 200


@pytest.mark.parametrize("subcommand", ["serve", "check"])
def test_invalid_settings_are_told(directory: Path, subcommand: str) -> None:
    (directory / "config.yaml").write_text("limits: {streams: 0}\nvad: {agressiveness: 1}")
    done = command(subcommand, "--config", directory / "config.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "limits.streams: 0: input should be greater than or equal to 1" in done.stderr
    assert "vad.agressiveness: unknown key" in done.stderr


def test_a_file_where_the_socket_should_be_is_left_alone(directory: Path) -> None:
    (directory / "s.sock").write_text("precious")
    done = command("serve", "--socket", directory / "s.sock", "--data-dir", directory / "data")
    assert (done.returncode, (directory / "s.sock").read_text()) == (1, "precious")
    assert "is not a socket" in done.stderr


def test_a_port_in_use_is_told(directory: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        (directory / "config.yaml").write_text(f"server: {{tcp: '127.0.0.1:{other.getsockname()[1]}'}}")
        done = command("serve", "--config", directory / "config.yaml", "--socket", directory / "s.sock", "--data-dir", directory / "data")
    assert done.returncode == 1
    assert done.stderr.startswith("speakerd: cannot listen at 127.0.0.1")
    assert len(done.stderr.splitlines()) == 1
    assert not (directory / "s.sock").exists()


def test_a_lost_key_is_told(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        process.stop()
    (directory / "data" / "voiceprints.key").unlink()
    done = command("serve", "--socket", directory / "s.sock", "--data-dir", directory / "data")
    assert done.returncode == 1
    assert "voiceprints.key is missing: restore it" in done.stderr


@pytest.mark.parametrize("subcommand", ["serve", "check"])
def test_a_missing_model_is_told_before_anything_is_made(directory: Path, subcommand: str) -> None:
    (directory / "config.yaml").write_text("model: {name: missing}")
    done = command(subcommand, "--config", directory / "config.yaml", "--data-dir", directory / "data", module="daemon")
    assert done.returncode == 1
    assert "the model cannot be loaded: there is no model 'missing'" in done.stderr
    assert not (directory / "data").exists()


def test_check_tells_what_would_run_and_makes_nothing(directory: Path) -> None:
    done = command("check", "--data-dir", directory / "data")
    assert done.returncode == 0
    assert "fake-1 on onnxruntime" in done.stdout
    assert "to be made at the first start" in done.stdout
    assert "1.000% false accepts and 5.000% false rejects per attempt: accept from an LLR of +1.00 on, reject up to -1.00" in done.stdout
    assert not (directory / "data").exists()


def test_check_tells_who_must_be_enrolled_again(directory: Path) -> None:
    store = VoiceprintStore(directory / "data", directory / "data" / "voiceprints.key", LimitsConfig())
    store.save("anna", [template(1)], SaveMode.CREATE)
    store.save("ben", [template(2, "fake-0")], SaveMode.CREATE)
    store.close()
    told = command("check", "--data-dir", directory / "data").stdout
    assert "2 enrolled; made by another model, to be enrolled again: ben\n" in told
    assert "accept from an LLR of +1.07 on, reject up to -1.00, among 2 voices\n" in told


@pytest.mark.parametrize("subcommand", ["serve", "check"])
def test_a_missing_calibration_is_told_before_anything_is_made(directory: Path, subcommand: str) -> None:
    (directory / "config.yaml").write_text(f"decision: {{calibration: {directory}/none.npz}}")
    done = command(subcommand, "--config", directory / "config.yaml", "--data-dir", directory / "data", module="daemon")
    assert done.returncode == 1
    assert f"{directory}/none.npz is missing" in done.stderr
    assert "speakerd calibrate" in done.stderr
    assert not (directory / "data").exists()


def test_check_beside_a_running_daemon_does_not_disturb_it(directory: Path) -> None:
    with daemon_process(directory) as process:
        process.ready()
        enroll(process, "anna")
        assert command("check", "--data-dir", directory / "data").returncode == 0
        assert verify(process).outcome == decision_pb2.OUTCOME_ACCEPT


@pytest.mark.parametrize("subcommand", ["serve", "check"])
def test_captures_where_microphones_cannot_be_heard_are_told(directory: Path, subcommand: str) -> None:
    (directory / "sounddevice.py").write_text("raise ImportError")
    (directory / "config.yaml").write_text("captures: {door: {}}")
    arguments = (subcommand, "--config", str(directory / "config.yaml"), "--data-dir", str(directory / "data"))
    environment = {"PYTHONPATH": str(directory), "SPEAKERD_SOCKET": str(directory / "s.sock")}
    with daemon_process(directory, *arguments, environment=environment) as process:
        code, errors = process.end()
    assert code == 1
    assert errors.splitlines()[-1] == (
        "speakerd: captures are configured, but microphones need sounddevice: install speakerd with the extra `mic`"
    )
