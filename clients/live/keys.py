"""Keys of a terminal: from its bytes to their names, and a mode in which each is delivered at once."""

from __future__ import annotations

import codecs
import os
import re
import select
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_NAMES: Final = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x1b": "escape",
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1bOA": "up",
    "\x1bOB": "down",
}
_KEY: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|.", re.DOTALL)
_READ: Final = 1024


class KeyDecoder:
    """Makes names of keys from bytes, which may be cut anywhere within a character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def feed(self, data: bytes) -> list[str]:
        """Return the keys: characters as they are; enter, escape, backspace, up, down by name; no others."""
        keys = (_NAMES.get(key, key) for key in _KEY.findall(self._decoder.decode(data)))
        return [key for key in keys if key in _NAMES.values() or key.isprintable()]


class Keyboard:
    """The keys of the terminal that `descriptor` is."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = KeyDecoder()

    def read(self, timeout: float) -> list[str]:
        """Wait so many seconds for keys and return them. Raises `EOFError` if the terminal is gone."""
        if not select.select([self._descriptor], [], [], timeout)[0]:
            return []
        try:
            data = os.read(self._descriptor, _READ)
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return self._decoder.feed(data)


@contextmanager
def keyboard(descriptor: int) -> Iterator[Keyboard]:
    """Deliver keys at once and do not echo them, until the block ends; an interrupt still is one."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keyboard(descriptor)
    finally:
        # A terminal that is gone needs it no more.
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
