from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clients.client import Client
from clients.demo.process import private_daemon
from clients.errors import UnreachableError

HOLDING = """
import time
from clients.demo.process import private_daemon

with private_daemon() as address:
    print(address.socket, flush=True)
    time.sleep(600)
"""


def test_it_runs_during_the_block_alone() -> None:
    with private_daemon() as address:
        with Client(address) as client:
            assert client.status().speakers == 0
        directory = address.socket.parent
    assert not directory.exists()


def test_settings_that_are_invalid_are_told() -> None:
    with pytest.raises(UnreachableError, match="limits"), private_daemon("limits: {streams: 0}"):
        pass


def test_it_ends_even_if_who_started_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        socket = Path(holder.stdout.readline().strip())
        assert socket.exists()
        holder.send_signal(signal.SIGKILL)
    # It takes its socket away when it has stopped in order.
    deadline = time.monotonic() + 60
    while socket.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not socket.exists()
