"""The clients and a real daemon process, with the model and the voices that ship."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from clients.address import UnixAddress
from clients.aio import AsyncClient
from clients.audio import AsyncAudio, Audio, AudioFormat, Encoding
from clients.client import Client
from clients.demo.plan import SHIPPED
from clients.demo.process import private_daemon
from clients.errors import EnrollmentRefusedError, NoSpeakersError, SpeakerExistsError, SpeakerNotFoundError
from clients.files import open_audio
from clients.messages import Decision, EnrollConfig, Enrolled, EnrollMode, Outcome, VerificationEvent, VerifyConfig

SLT, RMS = ([SHIPPED / name / f"{number}.opus" for number in range(1, 5)] for name in ("1-slt", "2-rms"))
AWB, NOISE = SHIPPED / "3-awb" / "1.opus", SHIPPED / "noise" / "1.opus"
SPEAKERCTL = [sys.executable, "-m", "clients"]
DEMO = [*SPEAKERCTL, "demo", "--json"]


@pytest.fixture(scope="module")
def daemon() -> Iterator[UnixAddress]:
    with private_daemon() as address:
        yield address


@pytest.fixture
def client(daemon: UnixAddress) -> Iterator[Client]:
    """A client of a daemon that knows nobody."""
    with Client(daemon) as client:
        yield client
        for speaker in list(client.speakers()):
            client.delete(speaker.name)


@pytest.fixture(scope="module")
def enrolled() -> Iterator[Client]:
    """A client of a daemon that knows slt and rms, and is only asked about them."""
    with private_daemon() as address, Client(address) as client:
        enroll(client, "slt", SLT[:3])
        enroll(client, "rms", RMS[:3])
        yield client


def enroll(client: Client, name: str, recordings: Sequence[Path], mode: EnrollMode = EnrollMode.CREATE) -> None:
    *_, result = client.enroll(EnrollConfig(name, mode), map(open_audio, recordings))
    assert isinstance(result, Enrolled)


def verdict(client: Client, recording: Path, *speakers: str) -> Decision:
    *_, decision = client.verify(VerifyConfig(speakers), open_audio(recording))
    assert isinstance(decision, Decision)
    assert decision.final
    return decision


def test_enrollment_tells_what_it_heard(client: Client) -> None:
    *progress, result = client.enroll(EnrollConfig("slt"), map(open_audio, SLT[:3]))

    assert progress
    assert isinstance(result, Enrolled)
    assert (result.speaker.name, result.speaker.recordings, len(result.recordings)) == ("slt", 3, 3)
    assert result.speaker.speech == pytest.approx(sum(quality.evidence.speech for quality in result.recordings))
    assert result.speaker.model_id == client.status().model_id
    assert list(client.speakers()) == [result.speaker]


def test_the_voices_are_told_apart(enrolled: Client) -> None:
    assert verdict(enrolled, SLT[3], "slt").outcome is Outcome.ACCEPT
    assert verdict(enrolled, RMS[3], "rms").outcome is Outcome.ACCEPT
    assert verdict(enrolled, RMS[3], "slt").outcome is Outcome.REJECT
    assert verdict(enrolled, AWB, "slt").outcome is Outcome.REJECT
    assert verdict(enrolled, NOISE, "slt").outcome is Outcome.UNDECIDED


def test_identification_finds_who_it_is(enrolled: Client) -> None:
    decision = verdict(enrolled, RMS[3])

    assert (decision.outcome, decision.speaker) == (Outcome.ACCEPT, "rms")
    assert [candidate.speaker for candidate in decision.candidates] == ["rms", "slt"]


def test_a_final_decision_comes_before_the_audio_ends(enrolled: Client) -> None:
    *events, final = enrolled.verify(VerifyConfig(["slt"]), open_audio(SLT[3]))
    (at_end,) = (
        event
        for event in enrolled.verify(VerifyConfig(["slt"], interim=False, wait_for_end=True), open_audio(SLT[3]))
        if isinstance(event, Decision)
    )

    assert final.at < 3.0 < at_end.at
    assert [event for event in events if isinstance(event, Decision)]


async def test_the_asyncio_client_hears_the_same(enrolled: Client) -> None:
    config = VerifyConfig(["slt"], wait_for_end=True)
    expected: list[VerificationEvent] = list(enrolled.verify(config, open_audio(RMS[3])))

    async with AsyncClient(enrolled.address) as other:
        assert [event async for event in other.verify(config, open_audio(RMS[3]))] == expected


async def test_bytes_may_be_split_anywhere(enrolled: Client) -> None:
    config = VerifyConfig(["slt"], wait_for_end=True)
    audio = open_audio(RMS[3])
    data = b"".join(audio.chunks)
    expected = list(enrolled.verify(config, Audio(audio.format, [data])))

    async def crumbs() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1_001):
            yield data[start : start + 1_001]

    async with AsyncClient(enrolled.address) as other:
        assert [event async for event in other.verify(config, AsyncAudio(audio.format, crumbs()))] == expected


def test_modes_of_enrollment(client: Client) -> None:
    enroll(client, "slt", SLT[:3])

    with pytest.raises(SpeakerExistsError):
        enroll(client, "slt", SLT[:3])
    enroll(client, "slt", SLT[3:], EnrollMode.ADD)
    assert client.speaker("slt").recordings == 4
    enroll(client, "slt", SLT[:2], EnrollMode.REPLACE)
    assert client.speaker("slt").recordings == 2


def test_what_is_no_voice_is_not_enrolled(client: Client) -> None:
    with pytest.raises(EnrollmentRefusedError) as caught:
        enroll(client, "nobody", [NOISE])

    assert caught.value.reason == "NOT_ENOUGH_SPEECH"
    assert list(client.speakers()) == []


def test_deleting_forgets(client: Client) -> None:
    enroll(client, "slt", SLT[:3])
    client.delete("slt")

    with pytest.raises(SpeakerNotFoundError):
        verdict(client, SLT[3], "slt")


def test_nobody_is_enrolled(client: Client) -> None:
    with pytest.raises(NoSpeakersError):
        verdict(client, SLT[3])


def test_an_enrollment_that_breaks_off_stores_nothing(client: Client) -> None:
    def breaks_off() -> Iterator[bytes]:
        yield from open_audio(SLT[0]).chunks
        raise ConnectionError("microphone unplugged")

    for _ in range(20):
        with pytest.raises(ConnectionError, match="microphone unplugged"):
            list(client.enroll(EnrollConfig("slt"), [Audio(AudioFormat(Encoding.FLOAT32, 16_000), breaks_off())]))
        assert list(client.speakers()) == []


def test_speakerctl_from_enrollment_to_verdict(client: Client, daemon: UnixAddress) -> None:
    def speakerctl(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
        command = [*SPEAKERCTL, "--json", "--socket", str(daemon.socket), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    assert speakerctl("enroll", "slt", *SLT[:3])[0] == 0
    assert [speaker.name for speaker in client.speakers()] == ["slt"]
    accepted, events = speakerctl("verify", "slt", SLT[3])
    assert (accepted, events[-1]["decision"], events[-1]["final"]) == (0, "ACCEPT", True)
    assert speakerctl("verify", "slt", RMS[3])[0] == 1
    assert speakerctl("verify", "slt", NOISE)[0] == 3
    refused, (error,) = speakerctl("verify", "nobody", SLT[3])
    assert (refused, error["error"]["reason"]) == (5, "SPEAKER_NOT_FOUND")


@pytest.fixture
def temporary(socket: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo's daemon lives."""
    monkeypatch.setenv("TMPDIR", str(socket.parent))
    return socket.parent


def test_the_demo_tells_its_four_streams_apart(temporary: Path) -> None:
    done = subprocess.run(DEMO, capture_output=True, text=True, check=False)

    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(result["stream"], result["expected"], result["decision"]) for result in results] == [
        ("owner", "ACCEPT", "ACCEPT"),
        ("other", "REJECT", "REJECT"),
        ("stranger", "REJECT", "REJECT"),
        ("noise", "UNDECIDED", "UNDECIDED"),
    ]
    assert all(set(result) == {"stream", "expected", "decision", "score", "llr", "speech_seconds", "reason"} for result in results)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(temporary.iterdir()) == []


def test_a_demo_that_comes_out_otherwise_fails(tmp_path: Path) -> None:
    for role, recordings in (("1", SLT), ("2", RMS), ("3", SLT)):
        (tmp_path / role).mkdir()
        for recording in recordings:
            (tmp_path / role / recording.name).symlink_to(recording)

    done = subprocess.run([*DEMO, "--data", str(tmp_path)], capture_output=True, text=True, check=False)

    stranger = json.loads(done.stdout.splitlines()[2])
    assert (stranger["stream"], stranger["expected"], stranger["decision"]) == ("stranger", "REJECT", "ACCEPT")
    assert done.returncode == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_takes_its_daemon_along(temporary: Path, number: signal.Signals, status: int) -> None:
    process = subprocess.Popen([*DEMO, "--realtime"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert json.loads(process.stdout.readline())["stream"] == "owner"
    assert str(temporary) in running_commands()

    process.send_signal(number)
    _, errors = process.communicate()

    assert process.returncode == status
    assert "Traceback" not in errors
    assert list(temporary.iterdir()) == []
    assert str(temporary) not in running_commands()


def running_commands() -> str:
    """Return the command lines of all processes."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_text(errors="replace"))
        except OSError:  # It has just ended.
            continue
    return "\n".join(lines)
