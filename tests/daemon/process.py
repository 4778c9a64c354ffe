"""A daemon in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import grpc

FAKED = "tests.daemon.faked"
"""Module of a daemon with the fake encoder."""


class DaemonProcess:
    """A daemon that was started; `ready` waits until it accepts calls."""

    def __init__(self, directory: Path, *arguments: str, module: str = FAKED, environment: dict[str, str] | None = None) -> None:
        self.socket = directory / "s.sock"
        self.data = directory / "data"
        command = [sys.executable, "-m", module, *(arguments or ("serve", "--socket", str(self.socket), "--data-dir", str(self.data)))]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SPEAKERD_")}
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=inherited | (environment or {})
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        # A daemon whose log nobody reads would wait for a reader.
        self._reader = Thread(target=self._read)
        self._reader.start()
        self.log: list[dict[str, Any]] = []

    def ready(self) -> dict[str, Any]:
        """Return the log line that says that it accepts calls."""
        return self.logged("ready")

    def logged(self, event: str) -> dict[str, Any]:
        """Wait for the next log line of an event; return it."""
        while line := self._lines.get(timeout=60):
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == event:
                return self.log[-1]
        raise AssertionError(f"the daemon ended before it logged {event!r}: {self.log}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def children(self) -> list[int]:
        """Return the ids of the processes that it started and that run."""
        return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def held(self) -> tuple[int, int, int]:
        """Return how many threads, open files and processes it has."""
        process = Path("/proc", str(self.pid))
        return len(list((process / "task").iterdir())), len(list((process / "fd").iterdir())), len(self.children())

    def end(self) -> tuple[int, str]:
        """Wait until it has ended; return its exit code and what it wrote to standard error since it was ready."""
        code = self._process.wait(timeout=60)
        self._reader.join()
        return code, "".join(self._lines.get() for _ in range(self._lines.qsize()))

    def stop(self) -> list[dict[str, Any]]:
        """Stop it as an operator does; return its whole log."""
        self.signal(signal.SIGTERM)
        code, rest = self.end()
        assert code == 0
        return [*self.log, *(json.loads(line) for line in rest.splitlines())]

    def kill(self) -> None:
        """End it as a power cut does."""
        self.signal(signal.SIGKILL)
        self.end()

    def _read(self) -> None:
        assert self._process.stderr
        with self._process.stderr as errors:
            for line in errors:
                self._lines.put(line)
        self._lines.put("")

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            yield channel


@contextmanager
def daemon_process(
    directory: Path, *arguments: str, module: str = FAKED, environment: dict[str, str] | None = None
) -> Iterator[DaemonProcess]:
    """Start a daemon, and kill it if the block has not ended it."""
    process = DaemonProcess(directory, *arguments, module=module, environment=environment)
    try:
        yield process
    finally:
        process.kill()
