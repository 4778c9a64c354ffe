"""A daemon's stand-in behind a unix socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile

from clients.address import UnixAddress
from tests.audio import voice
from tests.clients.capture_double import CaptureDouble, CaptureServer, serving_captures
from tests.clients.double import Double, serving


@pytest.fixture
def socket() -> Iterator[Path]:
    # pytest's own directories are too long for a socket when its base is.
    with TemporaryDirectory(prefix="speakerd-test-") as directory:
        yield Path(directory, "speakerd.sock")


@pytest.fixture
def address(socket: Path) -> UnixAddress:
    return UnixAddress(socket)


@pytest.fixture
def double(address: UnixAddress) -> Iterator[Double]:
    double = Double()
    with serving(double, address.target):
        yield double


@pytest.fixture
def captures() -> CaptureDouble:
    return CaptureDouble()


@pytest.fixture
def capture_server(captures: CaptureDouble, address: UnixAddress) -> Iterator[CaptureServer]:
    """Serves `captures`; not together with `double`, which has the same socket."""
    with serving_captures(captures, address.target) as server:
        yield server


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Half a second of a voice, in a file."""
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.clip(voice(1, 0.5), -1, 1), 16_000, subtype="FLOAT")
    return path
