"""A daemon with its own model that listens to a sound server, as a process, and voices to speak to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from clients.address import UnixAddress
from clients.capture_messages import Capture, CaptureState
from clients.client import Client
from clients.files import open_audio
from clients.messages import EnrollConfig, Enrolled
from models.features import SAMPLE_RATE, Waveform
from tests.daemon.process import DaemonProcess, daemon_process
from tests.daemon.server.harness import short_directory
from tests.sound import SoundServer

VOICES = Path(__file__).parents[3] / "clients" / "voices"
ENROLLED = ("1-slt", "2-rms")


@contextmanager
def listening(sound: SoundServer, config: str) -> Iterator[tuple[DaemonProcess, Client]]:
    """Run a daemon during the block."""
    with short_directory() as directory:
        settings, socket = directory / "config.yaml", directory / "s.sock"
        settings.write_text(config)
        arguments = ("serve", "--config", str(settings), "--socket", str(socket), "--data-dir", str(directory / "data"))
        with daemon_process(directory, *arguments, module="daemon", environment=sound.environment) as process:
            process.ready()
            with Client(UnixAddress(socket)) as client:
                yield process, client


def until_listening(client: Client) -> Capture:
    """Start the capture `door`, if it does not run, and wait until its device is open."""
    while (capture := client.start_capture("door")).state is not CaptureState.LISTENING:
        time.sleep(0.05)
    return capture


def enroll_voices(client: Client) -> None:
    """Enroll those of the demo's voices who are to be known."""
    for name in ENROLLED:
        *_, enrolled = client.enroll(EnrollConfig(name), [open_audio(VOICES / name / f"{number}.opus") for number in (1, 2, 3)])
        assert isinstance(enrolled, Enrolled)


def voice(name: str) -> Waveform:
    """Return a recording of the demo's voices."""
    samples, rate = soundfile.read(VOICES / name, dtype="float32")
    assert rate == SAMPLE_RATE
    return np.asarray(samples, dtype=np.float32)
