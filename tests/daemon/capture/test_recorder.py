from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from daemon.capture import recorder
from daemon.capture.records import Audio, Failed, Lost, Record, Stalled, encode
from daemon.capture.ring import Ring


class Device:
    """A device whose `calls` put one block each into the ring, and that is gone after them if it is `fragile`."""

    def __init__(self, ring: Ring, calls: int, *, fragile: bool = False) -> None:
        self._ring = ring
        self._calls = calls
        self._fragile = fragile

    @property
    def active(self) -> bool:
        return not self._fragile

    def call(self, _: float) -> None:
        """Stands for the time that passes."""
        if self._calls:
            self._calls -= 1
            self._ring.put(np.zeros(10, dtype=np.float32), overflow=self._calls == 1)


Clock = Callable[[Device], list[float]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Returns the times at which the recorder looked at a device."""

    def run(device: Device) -> list[float]:
        times = [100.0]

        def sleep(seconds: float) -> None:
            times.append(times[-1] + seconds)
            device.call(seconds)

        monkeypatch.setattr(time, "sleep", sleep)
        monkeypatch.setattr(time, "monotonic", lambda: times[-1])
        return times

    return run


def kinds(records: list[Record]) -> list[type[Record]]:
    return [type(record) for record in records]


def test_what_the_device_delivers_is_told_until_it_is_gone(clock: Clock) -> None:
    ring = Ring(100)
    device = Device(ring, 3, fragile=True)
    clock(device)
    records = list(recorder.drain(ring, device, 1.0))
    assert kinds(records) == [Audio, Lost, Audio, Audio, Failed]


def test_a_device_that_no_longer_delivers_is_stalled(clock: Clock) -> None:
    ring = Ring(100)
    device = Device(ring, 1)
    times = clock(device)
    assert kinds(list(recorder.drain(ring, device, 1.0))) == [Audio, Stalled]
    assert 1.0 < times[-1] - times[1] < 1.1


def test_the_first_samples_may_take_longer(clock: Clock) -> None:
    ring = Ring(100)
    device = Device(ring, 0)
    times = clock(device)
    assert kinds(list(recorder.drain(ring, device, 1.0))) == [Stalled]
    assert recorder.FIRST_SECONDS < times[-1] - times[0] < recorder.FIRST_SECONDS + 0.1


def test_who_reads_late_loses_what_the_ring_cannot_hold(clock: Clock) -> None:
    ring = Ring(25)
    device = Device(ring, 8)
    clock(device)
    records = recorder.drain(ring, device, 1.0)
    assert kinds(list(islice(records, 1))) == [Audio]
    for _ in range(4):
        device.call(0.0)
    assert kinds(list(islice(records, 2))) == [Audio, Lost]


WAITING = """
import time
from daemon.capture import recorder
recorder.listing = lambda: iter(lambda: print("waiting", flush=True) or time.sleep(3600), None)
recorder.main()
"""
"""A recorder whose device never answers."""

PRINTING = """
import os
from daemon.capture import recorder
from daemon.capture.records import Lost
def listing():
    os.write(1, b"native noise\\n")
    yield Lost()
recorder.listing = listing
recorder.main()
"""


def start(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_signals_to_all_processes_do_not_end_it_but_the_end_of_its_input_does() -> None:
    with start(WAITING) as process:
        assert process.stderr
        assert process.stderr.readline() == b"waiting\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.3)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_what_libraries_print_is_kept_out_of_the_records() -> None:
    with start(PRINTING) as process:
        assert process.stdout
        assert process.stderr
        assert (process.stdout.read(), process.stderr.read()) == (encode(Lost()), b"native noise\n")


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("raise ImportError", "microphones need sounddevice: install speakerd with the extra `mic`"),
        (
            "raise OSError('PortAudio library not found')",
            "microphones need PortAudio (PortAudio library not found): on Debian, run apt install libportaudio2",
        ),
    ],
)
@pytest.mark.parametrize("arguments", [(), (json.dumps({"device": "", "channel": 1, "rate": None, "stall_seconds": 1.0}),)])
def test_what_a_machine_lacks_is_told(tmp_path: Path, broken: str, problem: str, arguments: tuple[str, ...]) -> None:
    (tmp_path / "sounddevice.py").write_text(broken)
    command = [sys.executable, "-m", "daemon.capture.recorder", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(tmp_path)}
    ) as process:
        assert process.stdout
        assert process.stdout.read() == encode(Failed(problem))
    assert process.returncode == 0
