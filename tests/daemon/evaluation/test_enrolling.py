from __future__ import annotations

import pytest

from daemon.config import Config
from daemon.evaluation.enrolling import Registrar
from models.features import Waveform
from tests.audio import silence, voice
from tests.fakes import PLAIN_VAD, FakeEncoder, enroll, fake_calibration

ENCODER = FakeEncoder()


@pytest.fixture
def registrar() -> Registrar:
    return Registrar(ENCODER, Config(vad=PLAIN_VAD), fake_calibration())


def test_a_voice_is_enrolled_as_by_the_daemon(registrar: Registrar) -> None:
    recordings = [voice(0, 1.5, take) for take in range(3)]
    enrolled = registrar.enroll("ada", recordings)
    assert enrolled.refused is None
    assert enrolled.speaker is not None
    assert enrolled.speaker.voiceprint.tolist() == enroll("ada", *recordings, encoder=ENCODER).voiceprint.tolist()


@pytest.mark.parametrize(
    ("recordings", "reason", "templates"),
    [
        ([voice(0, 1.0)], "NOT_ENOUGH_SPEECH", 1),
        ([voice(0, 3.0), silence(1.0), voice(0, 3.0, take=1)], "NOT_ENOUGH_SPEECH", 2),
        ([voice(0, 3.0), silence(0.0)], "AUDIO_EMPTY", 1),
        ([40.0 * voice(0, 3.0)], "AUDIO_CLIPPED", 1),
    ],
)
def test_who_is_refused_is_enrolled_and_named(recordings: list[Waveform], reason: str, templates: int, registrar: Registrar) -> None:
    enrolled = registrar.enroll("ada", recordings)
    assert enrolled.refused == reason
    assert enrolled.speaker is not None
    assert len(enrolled.speaker.templates) == templates


def test_who_says_nothing_cannot_be_enrolled(registrar: Registrar) -> None:
    enrolled = registrar.enroll("ada", [silence(1.0), silence(0.0)])
    assert enrolled.speaker is None
    assert enrolled.refused == "NOT_ENOUGH_SPEECH"
