"""A person at a terminal: `speakerctl` on a pty of its own, and what a terminal emulator shows of it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import pyte

PATIENCE = 90.0
"""Seconds to wait for what must come; this machine may be slow."""


class Person:
    """Who reads the screen of a process and presses keys."""

    def __init__(self, command: Sequence[str], columns: int, rows: int, environment: dict[str, str]) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._take_away = weakref.finalize(self, os.close, self._master)
        self._resize(columns, rows)
        self.raw = b""
        """Everything that the process has written."""
        # With a terminal of its own that is also its controlling one: ctrl-c interrupts it, and it hears when the terminal is gone.
        with os.fdopen(slave) as terminal:
            self.process = subprocess.Popen(
                ["/usr/bin/setsid", "--ctty", *command], stdin=terminal, stdout=terminal, stderr=terminal, env=environment
            )

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self.screen.resize(rows, columns)
        self._resize(columns, rows)

    def text(self) -> str:
        """Return what the screen shows."""
        return "\n".join(self.screen.display)

    def sees(self, *words: str) -> str:
        """Wait until the screen shows all of these, and return it."""
        deadline = time.monotonic() + PATIENCE
        while not all(word in self.text() for word in words):
            assert time.monotonic() < deadline, f"{words} is not to be seen in:\n{self.text()}"
            assert self._read() or all(word in self.text() for word in words), f"it has ended without {words}:\n{self.text()}"
        return self.text()

    def watches(self, seconds: float) -> str:
        """Look on for a while, and return what is shown then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._read():
            pass
        return self.text()

    def leaves(self) -> int:
        """Wait until the process has ended; return its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, f"it goes on:\n{self.text()}"
        return self.process.wait(PATIENCE)

    def hangs_up(self) -> int:
        """Take the terminal away; return the exit status of the process."""
        self._take_away()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End the process if it goes on."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._take_away()

    def _read(self) -> bool:
        """Take in what is written within a moment; return whether more may come."""
        if not select.select([self._master], [], [], 0.5)[0]:
            return True
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # Nobody has the terminal open any more.
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def _resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@contextmanager
def speakerctl(
    *arguments: object, columns: int = 80, rows: int = 24, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Person]:
    """Run `speakerctl` for a person; kill it if the block has not ended it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SPEAKERD_", "NO_COLOR", "COLUMNS", "LINES"))}
    defaults = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "clients", *map(str, arguments)]
    person = Person(command, columns, rows, inherited | defaults | dict(environment))
    try:
        yield person
    finally:
        person.close()
