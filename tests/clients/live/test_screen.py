"""The live screen as a person sees it: real processes at a pty, and a terminal emulator that shows what they write."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from clients.demo.plan import SHIPPED
from tests.audio import join, silence, voice
from tests.clients.live.emulator import speakerctl
from tests.daemon.process import DaemonProcess, daemon_process

pytestmark = pytest.mark.timeout(300)

SLT, RMS = ([SHIPPED / name / f"{number}.opus" for number in range(1, 5)] for name in ("1-slt", "2-rms"))
COLOURS = re.compile(rb"\x1b\[[0-9;]*(?:3|4|9|10)[0-7][;m]")
RESTORED = b"\x1b[?1049l"
"""Leaves the alternate screen."""


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of turns of a synthetic voice."""
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, join(*[join(voice(1, 4.0, take), silence(2.0)) for take in range(10)]), 16_000)
    return path


@pytest.fixture
def daemon(socket: Path) -> Iterator[DaemonProcess]:
    """A daemon with the fake encoder, which is up in no time."""
    with daemon_process(socket.parent) as daemon:
        daemon.ready()
        yield daemon


def test_someone_new_is_enrolled_recognised_and_forgotten() -> None:
    files = [option for file in (SLT[0], SLT[3], RMS[3]) for option in ("--file", file)]
    with speakerctl("live", "--private", *files) as person:
        assert "temporary" in person.sees("Nobody is enrolled yet", "0 enrolled", "q quit")
        person.press("e")
        person.sees("Who will speak? _", "escape leave")
        person.press("slx\x7ft\r")
        person.sees("Enrolling slt", "When the sunlight strikes", "escape give up")
        person.sees("slt is enrolled: say something else now", "1 enrolled")
        accepted = person.sees("✓ ACCEPT   slt", "s after the speech began", "the voice fits: LLR")
        assert re.search(r"^ slt +█+│█+│", accepted, re.MULTILINE)
        person.sees("✗ REJECT", "the voice does not fit")
        person.sees("The recording is over.", "no sound")
        person.press("d")
        person.sees("▶ slt", "Who is to be deleted?")
        person.press("\r")
        person.sees("Delete everything derived from the voice of slt?", "y delete")
        person.press("y")
        person.sees("nobody is enrolled", "0 enrolled")
        person.press("q")
        assert person.leaves() == 0
        assert RESTORED in person.raw


def test_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(f"title: Short\nenroll: {{owner: [{SLT[0]}]}}\naudio:\n  - file: {SLT[3]}\n", encoding="utf-8")
    with speakerctl("live", "--scenario", path) as person:
        person.sees("speakerd live  Short", "temporary", "1 enrolled")
        person.sees("ACCEPT   owner")
        person.press("q")
        assert person.leaves() == 0


def test_without_colours_the_words_and_signs_say_all(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk, environment={"NO_COLOR": "1"}) as person:
        person.sees("? UNDECIDED", "nobody is enrolled", "● SPEECH")
        person.press("q")
        assert person.leaves() == 0
        assert not COLOURS.search(person.raw)


def test_with_colours(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk) as person:
        person.sees("? UNDECIDED")
        assert COLOURS.search(person.raw)


def test_a_terminal_without_unicode(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk, environment={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}) as person:
        person.sees("? UNDECIDED", "* SPEECH")
        assert person.raw.isascii()


def test_a_window_of_another_size(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk, columns=50, rows=12) as person:
        person.sees("nobody is enrolled", "q quit")
        person.resize(100, 30)
        person.sees("-30 s", "q quit")
        person.resize(30, 8)
        person.sees("Too small: 40 x 10")
        person.resize(80, 24)
        person.sees("-20 s", "q quit")


def test_an_enrollment_is_given_up(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk) as person:
        person.sees("Press e")
        person.press("ecleo\r")
        person.sees("Enrolling cleo")
        person.press("\x1b")
        person.sees("Nobody was enrolled.", "0 enrolled")
        person.sees("? UNDECIDED")


def test_the_daemon_goes_away(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk) as person:
        person.sees("● SPEECH")
        daemon.kill()
        person.sees("! ", "daemon", "no sound")
        person.press("q")
        assert person.leaves() == 4
        assert "speakerctl: " in person.text()


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), (None, 143)])
def test_an_interrupt_restores_the_terminal(daemon: DaemonProcess, talk: Path, key: str | None, status: int) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk) as person:
        person.sees("q quit")
        if key is None:
            person.process.send_signal(signal.SIGTERM)
        else:
            person.press(key)
        assert person.leaves() == status
        assert RESTORED in person.raw
        assert b"Traceback" not in person.raw


def test_a_dumb_terminal_gets_lines(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk, environment={"TERM": "dumb"}) as person:
        person.sees("Listening to talk.wav", "UNDECIDED")
        assert b"\x1b" not in person.raw


def test_a_terminal_that_is_taken_away_ends_it(daemon: DaemonProcess, talk: Path) -> None:
    with speakerctl("--socket", daemon.socket, "live", "--file", talk) as person:
        person.sees("q quit")
        assert person.hangs_up() == 128 + signal.SIGHUP
