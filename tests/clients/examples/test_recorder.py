"""The recorder as a process: with a headset, which is a microphone of a real sound server, and with feeds."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from clients.address import UnixAddress
from clients.audio import Audio, AudioFormat, Encoding
from clients.capture_messages import CaptureState, FeedConfig
from clients.client import Client
from clients.examples.recorder import flaw
from clients.messages import Evidence
from tests.clients.examples.test_voice_lock import PAUSE
from tests.daemon.capture.listening import listening, voice
from tests.daemon.process import DaemonProcess, daemon_process
from tests.daemon.server.harness import short_directory
from tests.sound import sound_server

RECORDER = [sys.executable, "-u", "-m", "clients.examples.recorder"]
GOOD = Evidence(speech=3.0, snr_db=30.0, clipped_fraction=0.0, bandwidth_hertz=7000.0)

pytestmark = pytest.mark.timeout(300)


@contextmanager
def recording(daemon: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Yield a recorder and what it prints."""
    command = [*RECORDER, "--socket", str(daemon), "--capture", "headset", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def until(lines: IO[str], words: str) -> list[str]:
    """Wait for a line with some words; return all lines up to it."""
    found = []
    for line in lines:
        found.append(line)
        if words in line:
            return found
    raise AssertionError(f"it ended without {words!r}: {found}")


@contextmanager
def worn(daemon: DaemonProcess) -> Iterator[threading.Event]:
    """Feed the capture `headset` a quiet room during the block, or until the event is set."""
    ended = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield PAUSE
        ended.wait()

    with Client(UnixAddress(daemon.socket)) as client:
        feed = client.feed(FeedConfig("headset"), Audio(AudioFormat(Encoding.FLOAT32, 16_000), chunks()))
        next(feed)
        try:
            yield ended
        finally:
            ended.set()
            feed.close()


@pytest.fixture(scope="module")
def daemon() -> Iterator[DaemonProcess]:
    with short_directory() as directory, daemon_process(directory) as daemon:
        daemon.ready()
        yield daemon


def test_who_wears_the_headset_is_enrolled_and_recognised() -> None:
    with (
        sound_server() as sound,
        listening(sound, "captures: {headset: {autostart: false}}") as (process, client),
        recording(process.socket, "slt") as (recorder, lines),
    ):
        until(lines, "speak now")
        sentences = [voice(f"1-slt/{number}.opus") for number in (1, 2, 3)]
        quiet = np.zeros(2 * 16_000, np.float32)
        sound.play(np.concatenate([part for sentence in sentences for part in (sentence, quiet)]))
        progress = until(lines, "slt is enrolled")
        assert any("good" in line for line in progress)
        assert "dB above the noise" in until(lines, "Now say something else")[0]
        sound.play(np.concatenate([voice("1-slt/4.opus"), quiet]))
        until(lines, "slt is recognised")
        assert recorder.wait(timeout=60) == 0

        assert [speaker.name for speaker in client.speakers()] == ["slt"]
        assert [capture.state for capture in client.captures()] == [CaptureState.STOPPED], "as it was found"


def test_whoever_gives_up_is_not_enrolled(daemon: DaemonProcess) -> None:
    with worn(daemon), recording(daemon.socket, "ada") as (recorder, lines):
        until(lines, "speak now")
        recorder.send_signal(signal.SIGINT)
        assert recorder.communicate(timeout=60)[1] == "Error: given up: nothing is stored\n"
        assert recorder.returncode == 1
    assert speakers(daemon) == []


def test_too_little_speech_is_refused(daemon: DaemonProcess) -> None:
    with worn(daemon) as ended, recording(daemon.socket, "ada") as (recorder, lines):
        until(lines, "speak now")
        ended.set()
        error = recorder.communicate(timeout=60)[1]
        assert recorder.returncode == 1
        assert error.endswith("Nothing is stored.\n")
    assert speakers(daemon) == []


def test_a_headset_that_there_is_not(daemon: DaemonProcess, tmp_path: Path) -> None:
    with recording(daemon.socket, "ada") as (recorder, _):
        assert recorder.communicate(timeout=60)[1].startswith(
            "Error: the daemon has no capture 'headset'; name it in the daemon's settings"
        )
        assert recorder.returncode == 1
    with recording(tmp_path / "none", "ada") as (recorder, _):
        assert recorder.communicate(timeout=60)[1].startswith("Error: no daemon answers at ")
        assert recorder.returncode == 1


@pytest.mark.parametrize(
    ("evidence", "word"),
    [
        (GOOD, ""),
        (Evidence(3.0, 30.0, 0.05, 7000.0), "too loud"),
        (Evidence(3.0, 5.0, 0.0, 7000.0), "noisy"),
        (Evidence(3.0, 30.0, 0.0, 3400.0), "muffled"),
        (Evidence(0.0, 0.0, 0.0, 0.0), ""),
    ],
)
def test_what_is_wrong_is_said(evidence: Evidence, word: str) -> None:
    assert flaw(evidence).startswith(word)
    assert bool(flaw(evidence)) is bool(word)


def speakers(daemon: DaemonProcess) -> list[str]:
    with Client(UnixAddress(daemon.socket)) as client:
        return [speaker.name for speaker in client.speakers()]
