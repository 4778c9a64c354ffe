"""The command line as a whole: options, errors, exit statuses, and the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clients.audio import Audio
from clients.cli.main import speakerctl as speakerctl_group
from tests.clients.cli.conftest import Speakerctl
from tests.clients.double import Double, serving


def test_status(speakerctl: Speakerctl, double: Double) -> None:
    double.add("ada")

    done = speakerctl("status")

    assert done.status == 0
    assert done.out.splitlines() == [
        "version    1.2.3",
        "model      edge-1 (onnxruntime)",
        "uptime     0:00:12",
        "speakers   1",
        "streams    0 of 32",
        "targets    per attempt, 1.00% false accepts and 5.00% false rejects",
        "decisions  accept from an LLR of +5.00 on, reject up to -2.50",
    ]
    assert speakerctl("status", "--json").objects == [
        {
            "version": "1.2.3",
            "model_id": "edge-1",
            "backend": "onnxruntime",
            "speakers": 1,
            "active_streams": 0,
            "max_streams": 32,
            "false_accept_rate": 0.01,
            "false_reject_rate": 0.05,
            "prior": 0.5,
            "accept_llr": 5.0,
            "reject_llr": -2.5,
            "uptime_seconds": 12.5,
        }
    ]


def test_no_daemon(speakerctl: Speakerctl, socket: Path, recording: Path) -> None:
    sentence = f"no daemon answers at {socket}: start it with `speakerd serve`, or name its socket (--socket, $SPEAKERD_SOCKET)"
    commands = (["status"], ["verify", "ada", recording], ["enroll", "ada", recording], ["speakers", "list"], ["captures"], ["subscribe"])

    for command in commands:
        done = speakerctl(*command, "--json")
        assert done.status == 4
        assert done.objects == [{"error": {"reason": "DAEMON_UNREACHABLE", "message": sentence}}]
        assert done.err == f"speakerctl: {sentence}\n"


@pytest.mark.parametrize("arguments", [["--socket", "SOCKET", "status"], ["status", "--socket", "SOCKET"]])
def test_the_socket_option_wins_wherever_it_stands(
    speakerctl: Speakerctl, double: Double, socket: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("SPEAKERD_SOCKET", "/nowhere/speakerd.sock")
    double.add("ada")

    assert speakerctl(*(str(socket) if argument == "SOCKET" else argument for argument in arguments)).status == 0


def test_an_address_instead_of_a_socket(speakerctl: Speakerctl) -> None:
    with serving(Double(), "127.0.0.1:0") as port:
        assert speakerctl("status", "--address", f"127.0.0.1:{port}").status == 0

    done = speakerctl("status", "--address", f"127.0.0.1:{port}")
    assert (done.status, done.err) == (
        4,
        f"speakerctl: no daemon answers at 127.0.0.1:{port}: check the address, whether it runs there, and its TLS files\n",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["status", "--address", "nonsense"], "'nonsense' is not an address; write host:port, as in 127.0.0.1:50051"),
        (["status", "--address", "voice.example:1"], "voice.example:1 is another machine, so voices would travel readable"),
        (["status", "--address", "localhost:1", "--socket", "s"], "give either --socket or --address"),
        (["status", "--tls-key", __file__], "the TLS files are for --address; a socket needs none"),
        (["status", "--address", "a:1", "--tls-key", __file__], "give --tls-authority, --tls-certificate and --tls-key together"),
        (["status", "--address", "a:1", "--tls-key", "/nowhere"], "Invalid value for '--tls-key': File '/nowhere' does not exist."),
        (["verify", "ada"], "Missing argument 'FILE'. See `speakerctl verify --help`."),
        (["verify", "ada", "/nowhere.wav"], "Invalid value for 'FILE': File '/nowhere.wav' does not exist."),
        (["enroll", "ada"], "give FILES, or a microphone with --capture. See `speakerctl enroll --help`."),
        (["enroll", "ada", __file__, "--capture", "door"], "give FILES, or a microphone with --capture."),
        (["enroll", "ada", "--capture", "\udcff"], "Invalid value for '--capture': it is not valid UTF-8."),
        (["start"], "Missing argument 'NAME'."),
        (["subscribe", "--after", "3"], "give --after and --run together."),
        (["subscribe", "--run", "3f"], "give --after and --run together."),
        (["subscribe", "--after", "0", "--run", "3f"], "Invalid value for '--after': 0 is not in the range x>=1."),
        (["subscribe", "--interval", "-1"], "Invalid value for '--interval': -1.0 is not in the range x>=0."),
        (["subscribe", "--speaker", "\udcff"], "Invalid value for '--speaker': it is not valid UTF-8."),
        (["speakers", "show", "\udcff"], "Invalid value for 'NAME': it is not valid UTF-8."),
        (["enroll", "ada", __file__, "--add", "--replace"], "give either --replace or --add."),
        (["verify", "ada", "-", "--rate", "4000"], "Invalid value for '--rate': 4000 is not in the range 8000<=x<=48000."),
        (["verify", "ada", "-", "--channels", "3"], "Invalid value for '--channels': 3 is not in the range 1<=x<=2."),
        (["eavesdrop"], "No such command 'eavesdrop'. See `speakerctl --help`."),
        (["status", "--loud"], "No such option '--loud'."),
        (["demo", "--data", "/nowhere"], "Invalid value for '--data': Directory '/nowhere' does not exist."),
    ],
)
def test_usage_errors_are_one_sentence(speakerctl: Speakerctl, arguments: list[str], sentence: str) -> None:
    done = speakerctl(*arguments)
    as_json = speakerctl(*arguments, "--json")

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"speakerctl: {sentence}")
    assert done.err.count("\n") == 1
    assert as_json.status == 2
    assert as_json.objects[0]["error"]["message"] == done.err.removeprefix("speakerctl: ").rstrip("\n")


@pytest.mark.parametrize("command", ["", *speakerctl_group.commands])
def test_help(speakerctl: Speakerctl, command: str) -> None:
    done = speakerctl(*command.split(), "--help")

    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: speakerctl {command}".rstrip())


def test_the_exit_statuses_are_documented(speakerctl: Speakerctl) -> None:
    assert "3  undecided or ambiguous" in speakerctl("--help").out


def test_the_process_says_the_same_without_a_traceback(socket: Path, recording: Path) -> None:
    environment = os.environ | {"SPEAKERD_SOCKET": str(socket)}
    command = [sys.executable, "-m", "clients", "verify", "ada", str(recording)]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("speakerctl: no daemon answers at ")
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_who_leaves_makes_no_verdict(socket: Path, recording: Path, options: list[str]) -> None:
    source, sink = os.pipe()
    os.close(source)
    command = [sys.executable, "-m", "clients", *options, "verify", "ada", str(recording)]

    done = subprocess.run(command, stdout=sink, stderr=subprocess.PIPE, env=os.environ | {"SPEAKERD_SOCKET": str(socket)}, check=False)

    os.close(sink)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_output_that_cannot_be_written_makes_no_verdict(socket: Path, recording: Path, options: list[str]) -> None:
    command = [sys.executable, "-m", "clients", *options, "verify", "ada", str(recording)]

    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=os.environ | {"SPEAKERD_SOCKET": str(socket)}, text=True, check=False
        )

    assert done.returncode == 6
    assert done.stderr.startswith("speakerctl: this cannot be done here: ")
    assert "No space left on device" in done.stderr


@pytest.mark.usefixtures("double")
def test_an_error_of_its_own_makes_no_verdict(speakerctl: Speakerctl, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> Audio:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("clients.cli.verify.open_audio", fail)

    done = speakerctl("verify", "ada", recording, "--json")

    assert done.status == 6
    assert done.objects[0]["error"]["reason"] == "INTERNAL"
    assert "RuntimeError('unforeseen')" in done.err
