"""`speakerctl live` where there is no terminal: lines and objects instead of a screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.audio import join, silence, voice
from tests.clients.cli.conftest import Speakerctl
from tests.daemon.process import daemon_process


@pytest.fixture
def turns(tmp_path: Path) -> list[Path]:
    """Two recordings of different kinds."""
    mono, stereo = tmp_path / "mono.wav", tmp_path / "stereo.flac"
    soundfile.write(mono, join(voice(1, 1.5), silence(0.5)), 16_000)
    soundfile.write(stereo, join(*[voice(2, 1.5)[:, None]]).repeat(2, axis=1), 48_000)
    return [mono, stereo]


@pytest.fixture
def daemon(socket: Path) -> Iterator[None]:
    with daemon_process(socket.parent, "serve", "--socket", str(socket), "--data-dir", str(socket.parent / "data")) as process:
        process.ready()
        yield


@pytest.mark.usefixtures("daemon")
def test_objects(speakerctl: Speakerctl, turns: list[Path]) -> None:
    done = speakerctl("live", "--json", "--capture", "tape", "--file", turns[0], "--file", turns[1])

    assert (done.status, done.err) == (0, "")
    kinds = [fields["event"] for fields in done.objects]
    assert {"level", "attempt_started"} <= set(kinds)
    assert {fields["capture"] for fields in done.objects} <= {"tape", ""}
    finals = [fields for fields in done.objects if fields.get("final")]
    assert [(final["decision"], final["reason"]) for final in finals] == 2 * [("UNDECIDED", "NO_SPEAKERS_ENROLLED")]


@pytest.mark.usefixtures("daemon")
def test_lines(speakerctl: Speakerctl, turns: list[Path]) -> None:
    done = speakerctl("live", "--file", turns[0])

    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("Listening to mono.wav.\n")
    assert "UNDECIDED: nobody is enrolled" in done.out


def test_no_daemon_where_one_is_named(speakerctl: Speakerctl, turns: list[Path], socket: Path) -> None:
    """The fixture names it in the environment."""
    for arguments in (["live"], ["live", "--socket", socket], ["live", "--file", turns[0]]):
        done = speakerctl(*arguments, "--json")
        assert done.status == 4
        assert done.objects[-1]["error"]["reason"] == "DAEMON_UNREACHABLE"


def test_recordings_and_a_scenario_at_once(speakerctl: Speakerctl, turns: list[Path]) -> None:
    done = speakerctl("live", "--file", turns[0], "--scenario", turns[1])

    assert done.status == 2
    assert "either --file or --scenario" in done.err


@pytest.mark.parametrize("option", ["--file", "--scenario"])
def test_what_cannot_be_read_is_told_before_a_daemon_starts(speakerctl: Speakerctl, tmp_path: Path, option: str) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"nothing")

    done = speakerctl("live", option, broken)

    assert done.status == 2
    assert "temporary" not in done.out
