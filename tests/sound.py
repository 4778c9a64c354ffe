"""A PulseAudio server of one's own, with a microphone that hears what is played: the monitor of a null sink."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import soundfile

from models.features import SAMPLE_RATE, Waveform

SINK = "vmic"
SINK_RATE = 48_000
PROGRAMS = {name: shutil.which(name) for name in ("pulseaudio", "pactl", "paplay")}
ASOUND = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"


class SoundServer:
    """A running server; `environment` is what programs need to reach it, and nothing else."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        socket = directory / "native"
        (directory / ".asoundrc").write_text(ASOUND)
        self.environment = {
            "HOME": str(directory),
            "XDG_RUNTIME_DIR": str(directory),
            "XDG_CONFIG_HOME": str(directory / ".config"),
            "PULSE_SERVER": f"unix:{socket}",
        }
        options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no"]
        protocol = f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}"
        self._server = subprocess.Popen([_path("pulseaudio"), *options, protocol], env=self.environment, stderr=subprocess.DEVNULL)
        self._module = ""

    def ready(self) -> None:
        """Wait until it answers."""
        for _ in range(600):
            if subprocess.run([_path("pactl"), "info"], env=self.environment, capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError("the sound server did not start")

    def plug_in(self) -> None:
        """Let there be a microphone, the only one."""
        self._module = self._control("load-module", "module-null-sink", f"sink_name={SINK}", f"rate={SINK_RATE}", "channels=1").strip()
        self._control("set-default-source", f"{SINK}.monitor")

    def unplug(self) -> None:
        """Take the microphone away."""
        self._control("unload-module", self._module)

    def play(self, samples: Waveform) -> None:
        """Say `samples`, at 16 kHz, into the microphone; return when they are said."""
        recording = self._directory / "recording.wav"
        soundfile.write(recording, samples, SAMPLE_RATE, subtype="PCM_16")
        subprocess.run([_path("paplay"), f"--device={SINK}", str(recording)], env=self.environment, check=True, timeout=120)

    def freeze(self) -> None:
        """Let it do nothing until `thaw`."""
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._server.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Stop."""
        self._server.kill()
        self._server.wait()

    def _control(self, *arguments: str) -> str:
        return subprocess.run(
            [_path("pactl"), *arguments], env=self.environment, capture_output=True, check=True, text=True, timeout=60
        ).stdout


@contextmanager
def sound_server() -> Iterator[SoundServer]:
    """Run a sound server with a microphone during the block; fails the test if this machine has none."""
    if missing := [name for name, path in PROGRAMS.items() if path is None]:
        pytest.fail(f"{', '.join(missing)} is not installed, with which microphones are tested: run `make packages`, as root or with sudo")
    with TemporaryDirectory(prefix="spk") as directory:
        server = SoundServer(Path(directory))
        try:
            server.ready()
            server.plug_in()
            yield server
        finally:
            server.end()


def _path(program: str) -> str:
    path = PROGRAMS[program]
    assert path
    return path
