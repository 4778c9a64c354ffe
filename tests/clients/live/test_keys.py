from __future__ import annotations

import os
import pty
import termios

import pytest

from clients.live.keys import KeyDecoder, keyboard


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"q", ["q"]),
        (b"\r\n", ["enter", "enter"]),
        (b"\x1b", ["escape"]),
        (b"\x7f\x08", ["backspace", "backspace"]),
        (b"\x1b[A\x1b[B\x1bOA\x1bOB", ["up", "down", "up", "down"]),
        (b"a\x1b[1;5Cb\x1b[3~\x1bOP", ["a", "b"]),
        ("é龍".encode(), ["é", "龍"]),
        (b"\x00\x01\t", []),
        (b"\xff", []),
    ],
)
def test_keys_have_names(data: bytes, names: list[str]) -> None:
    assert KeyDecoder().feed(data) == names


def test_a_character_may_come_in_pieces() -> None:
    decoder = KeyDecoder()

    assert [decoder.feed(bytes([byte])) for byte in "é".encode()] == [[], ["é"]]


def test_keys_come_at_once_and_the_terminal_is_left_as_it_was() -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)

    with keyboard(slave) as keys:
        os.write(master, b"e")
        assert keys.read(10.0) == ["e"]
        assert keys.read(0.0) == []

    assert termios.tcgetattr(slave) == before
    os.close(master)
    with pytest.raises(EOFError):
        keys.read(1.0)
    os.close(slave)
