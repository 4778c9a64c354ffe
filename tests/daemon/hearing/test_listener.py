from __future__ import annotations

import numpy as np
import pytest

from daemon.config import VadConfig
from daemon.events import SpeechEnded, SpeechStarted
from daemon.hearing.listener import STEP_FRAMES, Encode, Listener
from models.features import HOP_SAMPLES, MEL_BINS, Waveform, log_mel
from tests import audio
from tests.fakes import FakeEncoder

ENCODER = FakeEncoder()
CONFIG = VadConfig(kind="webrtc", start_ms=60, pre_roll_ms=200, hang_over_ms=400)


def listen(samples: Waveform) -> tuple[Listener, list[Encode], list[SpeechStarted | SpeechEnded]]:
    """Hear `samples` to the end; return the listener, the steps it asked for and its events."""
    listener = Listener(ENCODER.initial_state(), CONFIG)
    listener.feed(samples)
    listener.finish()
    steps, events = [], []
    while (due := listener.poll()) is not None:
        if isinstance(due, Encode):
            listener.encoded(ENCODER.step(due.frames[np.newaxis], due.state))
            steps.append(due)
        else:
            events.append(due)
    return listener, steps, events


def test_silence_is_heard_but_not_encoded() -> None:
    listener, steps, events = listen(audio.silence(2.0))
    assert (steps, events) == ([], [])
    assert (listener.at, listener.passed, listener.embedding) == (32_000, 0, None)


def test_speech_from_the_first_sample_is_encoded_as_features_of_the_whole() -> None:
    speech = audio.voice(0, 1.0)
    _, steps, _ = listen(speech)
    frames = log_mel(speech)
    assert len(steps) == len(frames) // STEP_FRAMES
    np.testing.assert_array_equal(np.concatenate([step.frames for step in steps]), frames[: len(steps) * STEP_FRAMES])


def test_every_step_has_the_same_shape_and_follows_the_last_state() -> None:
    _, steps, _ = listen(audio.voice(0, 1.0))
    assert {step.frames.shape for step in steps} == {(STEP_FRAMES, MEL_BINS)}
    assert [float(step.state[1][0, 0]) for step in steps] == [STEP_FRAMES * index for index in range(len(steps))]


def test_steps_tell_how_much_of_them_is_voiced() -> None:
    speech = audio.join(audio.voice(0, 1.0), audio.silence(1.0), audio.voice(0, 1.0, take=1), audio.silence(1.0))
    _, steps, _ = listen(speech)
    assert {0, STEP_FRAMES} <= {step.voiced for step in steps}
    voiced = sum(step.voiced for step in steps)
    # Two seconds, but for what the detector misses and the last frames, which make no step.
    assert 150 <= voiced <= 210


def test_frames_queue_up_across_segments() -> None:
    first, second = audio.voice(0, 1.03), audio.voice(0, 1.03, take=1)
    listener, steps, events = listen(audio.join(first, audio.silence(1.0), second))
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded] * 2
    # Two segments, each of which has two frames fewer than hops.
    frames = listener.passed // HOP_SAMPLES - 2 * 2
    assert len(steps) == frames // STEP_FRAMES


def test_embedding_is_that_of_the_last_step() -> None:
    listener, steps, _ = listen(audio.voice(0, 1.0))
    assert listener.embedding is not None
    expected = ENCODER.step(steps[-1].frames[np.newaxis], steps[-1].state).embedding[0]
    np.testing.assert_array_equal(listener.embedding, expected)


def test_events_are_stamped_with_what_was_heard() -> None:
    _, _, events = listen(audio.join(audio.silence(0.5), audio.voice(0, 1.0), audio.silence(1.0)))
    started, ended = events
    assert started.offset == pytest.approx(8_000, abs=320)
    assert 0 < started.at - started.offset <= 2 * 60 * 16
    assert ended.offset == pytest.approx(24_000, abs=1_600)
    assert ended.at - ended.offset == 400 * 16


def test_end_of_audio_ends_speech() -> None:
    listener, _, events = listen(audio.voice(0, 1.004))
    assert isinstance(events[-1], SpeechEnded)
    assert events[-1].at == listener.at == 16_064
    assert events[-1].offset <= 16_000


def test_net_speech_is_voiced_audio_without_hang_over() -> None:
    listener, _, _ = listen(audio.join(audio.silence(0.5), audio.voice(0, 1.0), audio.silence(1.0)))
    assert listener.evidence.speech == pytest.approx(16_000, abs=1_600)
    assert listener.passed > listener.evidence.speech + 6_000


def test_nothing_is_processed_before_it_is_polled() -> None:
    listener = Listener(ENCODER.initial_state(), CONFIG)
    listener.feed(audio.voice(0, 1.0))
    assert listener.at == 0
    assert listener.poll() == SpeechStarted(at=listener.at, offset=0)
    assert listener.at < 2_000


def test_what_was_fed_may_be_overwritten() -> None:
    buffer = audio.voice(0, 1.0)
    listener = Listener(ENCODER.initial_state(), CONFIG)
    listener.feed(buffer)
    buffer[:] = 0.0
    assert isinstance(listener.poll(), SpeechStarted)


def test_less_than_a_step_of_frames_at_the_end_is_dropped() -> None:
    listener, steps, _ = listen(audio.voice(0, 0.095))
    assert steps == []
    assert listener.embedding is None
    assert listener.evidence.speech > 0
