from __future__ import annotations

from dataclasses import replace

import pytest

from clients.capture_messages import CaptureChange, CaptureState
from clients.errors import UnreachableError
from clients.live.hints import advice, alarm, quality
from clients.live.model import Ended, Enrolling, Source
from clients.messages import EnrollMode, Evidence
from clients.subscription import Disconnected
from tests.clients.live.heard import START, after, capture, changed, decided, progress, subscribed

ENROLLING = Enrolling("ada", EnrollMode.CREATE, began=10.0, peak=-12.0)
GONE = UnreachableError("nobody answers")


def test_the_first_steps() -> None:
    assert "Press e" in advice(replace(START, speakers=()))[0]
    assert "Say something" in advice(START)[0]
    assert advice(after(START, decided(2.0, ada=7.0))) == ()


def test_nothing_is_wrong() -> None:
    assert alarm(after(START, subscribed())) == ""


def test_a_capture_that_does_not_listen() -> None:
    assert alarm(after(START, subscribed(capture(CaptureState.WAITING, "it is unplugged")))) == "it is unplugged"
    assert "speakerctl start kitchen" in alarm(after(START, subscribed(capture(CaptureState.STOPPED))))


def test_a_muted_microphone() -> None:
    recorded = replace(START, source=Source("a.wav", "live", recorded=True))

    assert "muted" in alarm(after(START, changed(1.0, CaptureChange.SILENCE_STARTED)))
    assert alarm(after(recorded, changed(1.0, CaptureChange.SILENCE_STARTED))) == ""


def test_too_loud() -> None:
    assert "Too loud" in alarm(after(START, changed(1.0, CaptureChange.CLIPPING_STARTED)))


def test_the_daemon_is_gone() -> None:
    assert alarm(after(START, Disconnected(GONE, 0.25))) == "nobody answers. Trying again ..."
    assert alarm(after(START, Ended(GONE))) == "nobody answers"
    assert alarm(after(START, Ended())) == "The recording is over."


def test_who_is_to_be_enrolled_is_asked_to_speak() -> None:
    heard = replace(ENROLLING, progress=progress(0.0, 2.0))

    assert quality(ENROLLING, 11.0) == "one moment ..."
    assert quality(heard, 11.0) == "speak now"
    assert quality(heard, 16.0) == "nobody is heard: speak up"


@pytest.mark.parametrize(
    ("evidence", "hint"),
    [
        (Evidence(1.5, 25.0, 0.2, 7000.0), "too loud"),
        (Evidence(1.5, 5.0, 0.0, 7000.0), "noisy"),
        (Evidence(1.5, 25.0, 0.0, 3000.0), "muffled"),
        (Evidence(1.5, 25.0, 0.0, 7000.0), "good: go on"),
    ],
)
def test_what_is_wrong_with_the_speech(evidence: Evidence, hint: str) -> None:
    assert hint in quality(replace(ENROLLING, progress=progress(1.5, 0.5, evidence)), 14.0)


def test_too_quiet() -> None:
    assert "too quiet" in quality(replace(ENROLLING, progress=progress(1.5, 0.5), peak=-50.0), 14.0)


def test_enough() -> None:
    assert "pause now" in quality(replace(ENROLLING, progress=progress(2.5, 0.0)), 14.0)
