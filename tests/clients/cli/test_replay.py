from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import soundfile

from clients.address import UnixAddress
from clients.client import Client
from clients.demo.plan import SHIPPED
from tests.clients.cli.conftest import Speakerctl

EXAMPLES = SHIPPED.parent / "scenarios" / "examples"
SLT = [str(SHIPPED / "1-slt" / f"{number}.opus") for number in range(1, 5)]


@pytest.fixture
def door(tmp_path: Path) -> Path:
    """A scenario of two seconds of the owner's voice; what it expects comes, what it forbids too."""
    path = tmp_path / "door.yaml"
    path.write_text(
        f"title: Door\nenroll: {{ada: {SLT[:3]}}}\naudio: [{{file: {SLT[3]}, to: 2.5}}]\n"
        "expect: [{decide: ACCEPT, speaker: ada}]\nnever: [{decide: ACCEPT}]\n"
    )
    return path


@pytest.fixture
def passing(door: Path) -> Path:
    path = door.with_name("passing.yaml")
    path.write_text(door.read_text().partition("never")[0])
    return path


def test_a_report_for_people(speakerctl: Speakerctl, speakerd_daemon: UnixAddress, door: Path, passing: Path) -> None:
    run = speakerctl("replay", "--socket", speakerd_daemon.socket, passing, door)
    assert run.status == 1
    assert run.err == ""
    lines = [line.strip() for line in run.out.splitlines() if line.strip()]
    assert lines[0] == "Door:"
    assert lines.count("Door:") == 2
    assert " s  ACCEPT ada: the voice fits (LLR +" in lines[1]
    assert "FAILED   never ACCEPT 0.00-2.50 s" in run.out
    assert "passed   ACCEPT ada 0.00-2.50 s" in run.out
    assert "Door: 1 of 1 passed (2.50 s of audio, edge-" in run.out
    assert lines[-1].startswith("Door: 1 of 2 failed (2.50 s of audio, edge-")


def test_a_report_for_programs_and_for_continuous_integration(
    speakerctl: Speakerctl, speakerd_daemon: UnixAddress, door: Path, tmp_path: Path
) -> None:
    run = speakerctl("replay", "--json", "--socket", speakerd_daemon.socket, "--junit", tmp_path / "out.xml", door)
    *attempts, report = run.objects
    assert run.status == 1
    assert attempts[0].keys() == {
        *("event", "attempt", "audio_seconds", "offset_seconds", "decision", "reason", "speaker", "of_scenario", "score"),
        *("llr", "posterior", "margin_accept", "margin_reject", "speech_seconds"),
    }
    assert (attempts[0]["event"], attempts[0]["decision"], attempts[0]["speaker"]) == ("attempt", "ACCEPT", "ada")
    assert (report["scenario"], report["passed"], report["audio_seconds"], report["other_speakers"]) == ("Door", False, 2.5, 0)
    assert [check["passed"] for check in report["checks"]] == [True, False]
    cases = ET.parse(tmp_path / "out.xml").getroot().findall("testsuite/testcase")  # noqa: S314 - we wrote it
    assert [case.find("failure") is None for case in cases] == [True, False]


def test_what_cannot_be_played_is_an_error_in_the_junit_file_too(
    speakerctl: Speakerctl, speakerd_daemon: UnixAddress, passing: Path, tmp_path: Path
) -> None:
    refused = tmp_path / "refused.yaml"
    refused.write_text(f"enroll: {{ada: [{SHIPPED / 'noise' / '1.opus'}]}}\naudio: [silence: 1]")
    run = speakerctl("replay", "--socket", speakerd_daemon.socket, "--junit", tmp_path / "out.xml", passing, refused)
    assert run.status == 5
    assert run.err.startswith("speakerctl: ada of 'refused' cannot be enrolled: ")
    root = ET.parse(tmp_path / "out.xml").getroot()  # noqa: S314 - we wrote it
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "0", "1")


def test_a_scenario_that_checks_nothing_says_so(speakerctl: Speakerctl, speakerd_daemon: UnixAddress, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.yaml"
    quiet.write_text("audio: [silence: 1]")
    run = speakerctl("replay", "--socket", speakerd_daemon.socket, quiet)
    assert run.status == 0
    assert "quiet: nothing is checked: the scenario has neither `expect` nor `never`" in run.out


def test_with_a_daemon_of_its_own_and_its_settings(speakerctl: Speakerctl, passing: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("decision: {false_accept_rate: 1.0e-30}")
    assert speakerctl("replay", "--config", config, passing).status == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nobody_enrolled(speakerd_daemon: UnixAddress, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "clients", "replay", "--json", "--realtime", "--socket", str(speakerd_daemon.socket)]
    with (
        subprocess.Popen([*command, str(EXAMPLES / "handover.yaml")], stdout=subprocess.PIPE, text=True, bufsize=1) as process,
        Client(speakerd_daemon) as client,
    ):
        assert process.stdout
        assert json.loads(process.stdout.readline())["event"] == "attempt"
        assert [speaker.name.partition("-")[0] for speaker in client.speakers()] == ["replay"]
        process.send_signal(number)
        assert process.wait(60) == (130 if number is signal.SIGINT else 128 + number)
        assert list(client.speakers()) == []


def test_the_sound_of_a_scenario_is_written(speakerctl: Speakerctl, passing: Path, tmp_path: Path) -> None:
    run = speakerctl("replay", "--render", tmp_path / "out.wav", passing)
    assert run.status == 0
    assert run.out.endswith(f"Wrote {tmp_path / 'out.wav'}: 2.50 s.\n")
    assert "0.00   2.50   4" in run.out
    assert soundfile.info(tmp_path / "out.wav").frames == 40_000
    (parts,) = speakerctl("replay", "--json", "--render", tmp_path / "out.wav", passing).objects
    assert parts == {"parts": [{"part": "4", "start_seconds": 0.0, "end_seconds": 2.5}], "audio_seconds": 2.5}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--render", "out.wav", "again"], "--render writes one scenario."),
        (["--socket", "s.sock", "--config", "config"], "--config is for a daemon that is started: give it, or --socket or --address."),
    ],
)
def test_options_that_exclude_each_other(speakerctl: Speakerctl, passing: Path, options: list[str], message: str) -> None:
    words = {"again": str(passing), "config": str(passing)}
    run = speakerctl("replay", passing, *(words.get(option, option) for option in options))
    assert run.status == 2
    assert message in run.err


def test_an_invalid_scenario_is_a_usage_error(speakerctl: Speakerctl, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("audio: [silence: -1]")
    run = speakerctl("replay", "--json", path)
    assert run.status == 2
    assert run.objects[0]["error"]["reason"] == "SCENARIO_INVALID"
    assert "line 1: audio[0].silence: -1 is out of range: 0.01 to 3600 are allowed" in run.err
