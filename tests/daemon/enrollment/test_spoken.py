from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config import AttemptsConfig, Config, LimitsConfig
from daemon.enrollment.spoken import SpokenEnrollment
from daemon.errors import NotEnoughSpeechError
from daemon.events import EnrollmentProgress
from daemon.session import run
from models.features import Waveform
from tests import audio
from tests.fakes import PLAIN_VAD, FakeEncoder, fake_calibration

ENCODER = FakeEncoder()
CONFIG = Config(vad=PLAIN_VAD)
PAUSE = audio.noise(1.5, level=-60.0)
SENTENCE = audio.voice(0, 1.2)


def begin(config: Config = CONFIG) -> SpokenEnrollment:
    return SpokenEnrollment(ENCODER.initial_state(), ENCODER.model_id, config, fake_calibration())


def hear(enrollment: SpokenEnrollment, *pieces: Waveform) -> list[EnrollmentProgress]:
    events: list[EnrollmentProgress] = []
    for piece in pieces:
        enrollment.feed(piece)
        events += [event for event in run(enrollment, ENCODER) if isinstance(event, EnrollmentProgress)]
    return events


def is_done(enrollment: SpokenEnrollment) -> bool:
    return enrollment.done


def templates(enrollment: SpokenEnrollment) -> int:
    return len(enrollment.session.result((), name="ada", allow_similar=False))


def test_each_stretch_of_speech_is_a_recording_until_there_is_enough() -> None:
    enrollment = begin()
    hear(enrollment, PAUSE, SENTENCE, PAUSE)
    assert not is_done(enrollment)
    events = hear(enrollment, audio.voice(0, 1.2, take=1), PAUSE)
    assert is_done(enrollment)
    assert templates(enrollment) == 2
    assert (events[-1].recording, events[-1].needed) == (2, 0)


def test_it_ends_at_the_pause_after_there_is_enough() -> None:
    enrollment = begin()
    hear(enrollment, audio.voice(0, 4.0))
    assert not is_done(enrollment)
    hear(enrollment, PAUSE)
    assert is_done(enrollment)
    assert templates(enrollment) == 1


def test_who_speaks_without_a_pause_is_enrolled_too() -> None:
    enrollment = begin(Config(vad=PLAIN_VAD, attempts=AttemptsConfig(speech_seconds=3.0)))
    hear(enrollment, audio.voice(0, 4.5))
    assert is_done(enrollment)
    assert templates(enrollment) == 1


def test_what_is_too_short_for_a_recording_goes_on_in_the_next() -> None:
    enrollment = begin()
    hear(enrollment, audio.voice(0, 0.3), PAUSE, SENTENCE, PAUSE, SENTENCE, PAUSE)
    assert is_done(enrollment)
    assert templates(enrollment) == 2


def test_a_gap_ends_a_recording() -> None:
    enrollment = begin()
    hear(enrollment, SENTENCE)
    enrollment.cut()
    hear(enrollment, SENTENCE, PAUSE)
    assert is_done(enrollment)
    assert templates(enrollment) == 2


def test_no_more_recordings_are_made_than_are_allowed() -> None:
    enrollment = begin(Config(vad=PLAIN_VAD, limits=LimitsConfig(recordings=1)))
    hear(enrollment, SENTENCE, PAUSE, SENTENCE, PAUSE)
    assert is_done(enrollment)
    assert templates(enrollment) == 1


@pytest.mark.parametrize("pieces", [[SENTENCE, PAUSE, SENTENCE], [SENTENCE, SENTENCE]])
def test_it_ends_with_the_audio(pieces: list[Waveform]) -> None:
    enrollment = begin()
    hear(enrollment, *pieces)
    enrollment.finish()
    hear(enrollment, audio.silence(0.0))
    assert is_done(enrollment)
    assert templates(enrollment) == len(pieces) // 2 + len(pieces) % 2


def test_too_little_is_not_enrolled() -> None:
    enrollment = begin()
    hear(enrollment, SENTENCE)
    enrollment.finish()
    hear(enrollment, audio.silence(0.0))
    with pytest.raises(NotEnoughSpeechError):
        templates(enrollment)


def test_what_is_heard_after_the_end_is_ignored() -> None:
    enrollment = begin()
    hear(enrollment, SENTENCE, PAUSE, SENTENCE, PAUSE)
    assert hear(enrollment, audio.voice(1, 3.0), PAUSE) == []
    assert templates(enrollment) == 2


@pytest.mark.parametrize("spoken", [audio.silence(0.0), SENTENCE])
def test_it_does_not_wait_for_ever(spoken: Waveform) -> None:
    enrollment = begin(Config(vad=PLAIN_VAD, limits=LimitsConfig(idle_seconds=5.0)))
    hear(enrollment, spoken, audio.noise(4.0, level=-60.0))
    with pytest.raises(NotEnoughSpeechError, match=r"nobody spoke for 5 s, and .* of speech are missing"):
        hear(enrollment, audio.noise(2.0, level=-60.0))


@settings(max_examples=5)
@given(st.lists(st.integers(0, 80_000), max_size=5))
def test_events_do_not_depend_on_how_the_audio_is_cut(cuts: list[int]) -> None:
    spoken = audio.join(PAUSE, SENTENCE, PAUSE, SENTENCE, PAUSE)
    assert hear(begin(), *np.split(spoken, sorted(cuts))) == hear(begin(), spoken)
