"""The voice lock as a process, with a real daemon process that hears the voices that ship."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np
import pytest

from clients.address import UnixAddress
from clients.audio import Audio, AudioFormat, Encoding
from clients.capture_messages import AttemptDecided, FeedConfig
from clients.client import Client
from clients.demo.plan import SHIPPED
from clients.files import open_audio
from clients.messages import EnrollConfig, Outcome
from tests.daemon.process import DaemonProcess

SETTINGS = "subscriptions: {decision_expiry_seconds: 60}"
LOCK = [sys.executable, "-m", "clients.examples.voice_lock", "--capture", "door"]
SLT, RMS = ([SHIPPED / name / f"{number}.opus" for number in range(1, 5)] for name in ("1-slt", "2-rms"))
# Digital silence would lock it: a microphone that delivers zeros is muted.
PAUSE = np.random.default_rng(1).normal(0, 1e-4, 2 * 16_000).astype("<f4").tobytes()
"""Two seconds of a quiet room."""


@contextmanager
def serving() -> Iterator[DaemonProcess]:
    """Yield a daemon that knows slt."""
    # pytest's own directories are too long for a socket when its base is.
    with TemporaryDirectory(prefix="speakerd-test-") as directory:
        settings = Path(directory, "config.yaml")
        settings.write_text(SETTINGS, encoding="utf-8")
        paths = ["--socket", str(Path(directory, "s.sock")), "--data-dir", str(Path(directory, "data"))]
        process = DaemonProcess(Path(directory), "serve", "--config", str(settings), *paths, module="daemon")
        try:
            process.ready()
            with Client(UnixAddress(process.socket)) as client:
                list(client.enroll(EnrollConfig("slt"), map(open_audio, SLT[:3])))
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def daemon() -> Iterator[DaemonProcess]:
    with serving() as daemon:
        yield daemon


@pytest.fixture
def client(daemon: DaemonProcess) -> Iterator[Client]:
    with Client(UnixAddress(daemon.socket)) as client:
        yield client


@contextmanager
def locking(daemon: DaemonProcess, *options: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Yield a lock that has subscribed, and what it prints."""
    command = [*LOCK, "--socket", str(daemon.socket), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            daemon.logged("subscribed")
            yield process, process.stdout
        finally:
            process.kill()


def hear(client: Client, *recordings: Path) -> list[Outcome]:
    """Let the capture hear recordings with pauses between them; return what was decided."""
    audios = [open_audio(recording) for recording in recordings]
    assert {audio.format for audio in audios} == {AudioFormat(Encoding.FLOAT32, 16_000)}

    def chunks() -> Iterator[bytes]:
        for audio in audios:
            yield from audio.chunks
            yield PAUSE

    events = client.feed(FeedConfig("door", interim=False), Audio(audios[0].format, chunks()))
    return [event.event.decision.outcome for event in events if isinstance(event.event, AttemptDecided)]


@pytest.mark.timeout(300)
def test_it_opens_for_its_speaker_and_locks_for_another(daemon: DaemonProcess, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "bolt"
    commands = {name: shlex.join(["sh", "-c", f"echo {name} >> {log}"]) for name in ("open", "lock")}
    options = ["--speaker", "slt", "--hold", "600", "--open", commands["open"], "--lock", commands["lock"]]
    with locking(daemon, *options) as (process, lines):
        assert lines.readline() == "locked: STARTED\n"

        outcomes = hear(client, SLT[3], RMS[3])
        assert outcomes[0] is Outcome.ACCEPT
        assert Outcome.REJECT in outcomes
        assert [lines.readline() for _ in range(2)] == ["open: slt\n", "locked: OTHER_VOICE\n"]

        assert hear(client, SLT[3])[0] is Outcome.ACCEPT
        assert [lines.readline() for _ in range(2)] == ["open: slt\n", "locked: CAPTURE_LOST\n"], "the feed has ended"

        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "locked: CLOSED\n")
        assert err == "the daemon has no capture 'door' yet: `speakerctl captures` lists them\n"
    assert log.read_text(encoding="utf-8").split() == ["lock", "open", "lock", "open", "lock", "lock"]


@pytest.mark.timeout(300)
def test_a_daemon_that_dies_locks_it() -> None:
    with (
        serving() as daemon,
        Client(UnixAddress(daemon.socket)) as client,
        locking(daemon, "--speaker", "slt", "--hold", "600") as (_, lines),
    ):
        lines.readline()
        audio = open_audio(SLT[3])
        opened: list[str] = []

        def stays() -> Iterator[bytes]:
            yield from audio.chunks
            yield PAUSE
            opened.append(lines.readline())
            daemon.signal(signal.SIGKILL)

        with pytest.raises(Exception, match="no daemon answers"):
            list(client.feed(FeedConfig("door"), Audio(audio.format, stays())))

        assert opened == ["open: slt\n"]
        assert lines.readline() == "locked: DISCONNECTED\n"


@pytest.mark.timeout(300)
def test_a_bolt_that_fails_ends_it_locked(daemon: DaemonProcess, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "bolt"
    locks = shlex.join(["sh", "-c", f"echo lock >> {log}"])
    with locking(daemon, "--speaker", "slt", "--open", "false", "--lock", locks) as (process, lines):
        lines.readline()
        hear(client, SLT[3])
        out, err = process.communicate(timeout=60)

    assert out == "open: slt\nlocked: FAILED\n"
    assert process.returncode == 1
    assert "CalledProcessError" in err
    assert log.read_text(encoding="utf-8").split() == ["lock", "lock"]


def test_no_daemon_leaves_it_locked(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "clients.examples.voice_lock",
        "--socket",
        str(tmp_path / "s"),
        "--capture",
        "door",
        "--speaker",
        "slt",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked: STARTED\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (0, "locked: CLOSED\n")
    assert err.startswith("no daemon answers at ")
