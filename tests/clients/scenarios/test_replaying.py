"""Scenarios and a real daemon, with the model and the voices that ship."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from clients.address import UnixAddress
from clients.audio import Audio, paced
from clients.client import Client
from clients.demo.plan import SHIPPED
from clients.errors import EnrollmentRefusedError
from clients.files import open_audio
from clients.messages import EnrollConfig, Outcome
from clients.scenarios import load_scenario, replay, replaying
from clients.scenarios.report import Attempt
from tests.clients.scenarios.conftest import EXAMPLES, Write

OWNER = [str(SHIPPED / "1-slt" / f"{number}.opus") for number in (1, 2, 3)]
OTHER = [SHIPPED / "2-rms" / f"{number}.opus" for number in (1, 2, 3)]
SHORT = f"""
enroll: {{ada: {OWNER}}}
audio: [{{file: {SHIPPED / "1-slt" / "4.opus"}, to: 2.5}}]
expect: [{{decide: ACCEPT, speaker: ada}}]
"""


@pytest.fixture
def client(speakerd_daemon: UnixAddress) -> Iterator[Client]:
    """A client of a daemon that knows nobody before the test, nor after it."""
    with Client(speakerd_daemon) as client:
        yield client
        assert [speaker.name for speaker in client.speakers()] == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_pass(client: Client, path: Path) -> None:
    heard: list[Attempt] = []
    report = replay(client, load_scenario(path), watch=heard.append)
    report.assert_passed()
    assert report.attempts == tuple(heard)
    assert report.model_id == client.status().model_id
    assert report.others == 0


def test_decisions_are_those_of_the_stream(client: Client, write: Write) -> None:
    scenario = load_scenario(write(SHORT))
    report = replay(client, scenario)
    first = report.attempts[0]
    assert (first.number, first.outcome, first.speaker, first.known) == (1, Outcome.ACCEPT, "ada", True)
    assert 0 <= first.began < first.at <= report.seconds == 2.5
    # Both are rounded to milliseconds.
    assert 0 < first.speech <= first.at - first.began + 1e-3
    assert replay(client, scenario).attempts == report.attempts


def test_in_real_time_nothing_else_is_decided(client: Client, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = load_scenario(write(SHORT))
    waits: list[float] = []

    def hurried(audio: Audio) -> Audio:
        return paced(audio, clock=lambda: sum(waits), sleep=waits.append)

    monkeypatch.setattr(replaying, "paced", hurried)
    report = replay(client, scenario, realtime=True)
    assert sum(waits) == pytest.approx(2.5)
    assert report.attempts == replay(client, scenario).attempts


def test_with_nobody_enrolled(client: Client, write: Write) -> None:
    (first, *_) = replay(client, load_scenario(write(SHORT.replace("enroll", "enroll: {}\n#").replace(", speaker: ada", "")))).attempts
    assert (first.outcome, first.known) == (Outcome.UNDECIDED, False)


def test_speakers_of_the_daemon_are_left_alone(client: Client, write: Write) -> None:
    for _ in client.enroll(EnrollConfig("ada"), map(open_audio, OTHER)):
        pass
    before = list(client.speakers())
    try:
        text = f"audio: [{{file: {SHIPPED / '2-rms' / '4.opus'}}}]\nnever: [{{decide: ACCEPT, speaker: ada}}]\nenroll: {{ada: {OWNER}}}"
        report = replay(client, load_scenario(write(text)))
        assert list(client.speakers()) == before
    finally:
        client.delete("ada")
    report.assert_passed()
    assert report.others == 1
    assert {(attempt.speaker, attempt.known) for attempt in report.attempts if attempt.outcome is Outcome.ACCEPT} == {("ada", False)}


def test_a_refused_enrollment_says_whose_and_leaves_nothing(client: Client, write: Write, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    path = write(f"title: Hall\nenroll: {{ada: {OWNER}, bob: [silence.wav]}}\naudio: [silence: 1]")
    with pytest.raises(EnrollmentRefusedError, match=r"^bob of 'Hall' cannot be enrolled: ") as caught:
        replay(client, load_scenario(path))
    assert caught.value.reason == "NOT_ENOUGH_SPEECH"


def test_an_alike_speaker_is_called_as_in_the_scenario(client: Client, write: Write) -> None:
    path = write(f"enroll: {{ada: {OWNER}, bob: {OWNER}}}\naudio: [silence: 1]")
    with pytest.raises(EnrollmentRefusedError) as caught:
        replay(client, load_scenario(path))
    assert caught.value.reason == "SIMILAR_SPEAKER_ENROLLED"
    assert "replay-" not in str(caught.value)


def test_an_interrupt_leaves_nothing(client: Client, write: Write) -> None:
    def interrupt(_attempt: Attempt) -> None:
        assert len(list(client.speakers())) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(client, load_scenario(write(SHORT)), watch=interrupt)
