"""A daemon of one's own: its socket, store and key lie in a temporary directory and go with it."""

from __future__ import annotations

import os
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from clients.address import UnixAddress, unix_address
from clients.errors import UnreachableError

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.02


@contextmanager
def private_daemon(config: str = "") -> Iterator[UnixAddress]:
    """Start a daemon, yield its address once it listens, and stop it gracefully. Raises `UnreachableError` if it does not start.

    config: its settings, as in config.yaml.
    """
    with TemporaryDirectory(prefix="speakerd-") as directory:
        address = unix_address(Path(directory, "speakerd.sock"))
        log = Path(directory, "log")
        settings = Path(directory, "config.yaml")
        settings.write_text(config, encoding="utf-8")
        process = _start(address.socket, Path(directory, "data"), settings, log)
        try:
            _await_socket(process, address.socket, log)
            yield address
        finally:
            _stop(process)


def _start(socket: Path, data: Path, settings: Path, log: Path) -> subprocess.Popen[bytes]:
    # -P: what is called `daemon` in the user's directory is another.
    options = ["--attached", "--config", str(settings), "--socket", str(socket), "--data-dir", str(data)]
    command = [sys.executable, "-P", "-m", "daemon", "serve", *options]
    # The user's own settings are for the user's own daemon.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPEAKERD_")}
    with log.open("wb") as output:
        # A session of its own: an interrupt at the terminal must reach it through us, so that it is stopped in order. Its input ends
        # with us, however that happens.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )


def _await_socket(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _listens(socket):
        if process.poll() is not None or time.monotonic() > deadline:
            last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise UnreachableError(f"a daemon of one's own did not start: {last}")
        time.sleep(_POLL_SECONDS)


def _listens(path: Path) -> bool:
    # That the socket is there does not yet say that it takes connections.
    with sockets.socket(sockets.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    with process:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
