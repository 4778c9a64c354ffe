from __future__ import annotations

import pytest

from daemon.config import Config
from daemon.evaluation.intervals import frequency
from daemon.evaluation.watching import Alarms, listen, total
from daemon.watch.session import WatchSession
from models.features import SAMPLE_RATE, Waveform
from tests.audio import noise, silence, voice
from tests.fakes import PLAIN_VAD, FakeEncoder, enroll, fake_calibration

ENCODER = FakeEncoder()
ADA = enroll("ada", voice(0, 3.0), encoder=ENCODER)


def heard(*blocks: Waveform) -> Alarms:
    watch = WatchSession(ENCODER.initial_state(), [ADA], Config(vad=PLAIN_VAD), fake_calibration())
    return listen(watch, iter(blocks), ENCODER)


def test_every_acceptance_is_an_alarm() -> None:
    alarms = heard(voice(0, 2.0, take=1), silence(2.0), voice(17, 2.0), silence(2.0), voice(0, 2.0, take=2))
    # Who is rejected and speaks on makes another attempt.
    assert alarms.attempts >= 3
    assert alarms.accepts.count == 2
    assert alarms.accepts.hours == pytest.approx(10 / 3600)


def test_silence_is_no_attempt() -> None:
    assert heard(silence(3.0), noise(3.0, level=-75.0)).attempts == 0


def test_a_stream_is_heard_alike_however_it_is_cut() -> None:
    sound = voice(0, 2.0, take=1)
    assert heard(sound) == heard(*(sound[start : start + SAMPLE_RATE // 7] for start in range(0, len(sound), SAMPLE_RATE // 7)))


def test_streams_add_up() -> None:
    together = total([Alarms(3, frequency(1, 0.5)), Alarms(4, frequency(0, 1.5))])
    assert together.attempts == 7
    assert (together.accepts.count, together.accepts.hours, together.accepts.per_hour) == (1, 2.0, 0.5)
