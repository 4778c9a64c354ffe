from __future__ import annotations

import numpy as np
import pytest

from daemon.calibrating.trajectories import BATCH, trajectories
from daemon.hearing.listener import Encode, Listener
from models.calibration.attempts import Trajectory
from models.features import SAMPLE_RATE, Waveform
from tests import audio
from tests.fakes import PLAIN_VAD, FakeEncoder

ENCODER = FakeEncoder()
MOST = 60.0


def alone(waveform: Waveform) -> Trajectory:
    """Return what a listener of its own hears."""
    listener = Listener(ENCODER.initial_state(), PLAIN_VAD)
    listener.feed(waveform)
    listener.finish()
    steps = []
    while due := listener.poll():
        if isinstance(due, Encode):
            listener.encoded(ENCODER.step(due.frames[None], due.state))
            evidence = listener.evidence
            steps.append((listener.embedding, evidence.speech / SAMPLE_RATE, evidence.snr, evidence.bandwidth))
    embeddings, speech, snr, bandwidth = map(np.array, zip(*steps, strict=True))
    return Trajectory(embeddings, speech, snr, bandwidth)


def test_each_recording_is_heard_as_if_it_were_alone() -> None:
    waveforms = [audio.voice(seed, 0.6 + 0.1 * (seed % 7)) for seed in range(BATCH + 3)]
    heard = list(trajectories(waveforms, ENCODER, PLAIN_VAD, MOST))
    assert len(heard) == len(waveforms)
    for index in (0, 1, BATCH, BATCH + 2):
        expected = alone(waveforms[index])
        for name in ("embeddings", "speech", "snr", "bandwidth"):
            assert getattr(heard[index], name) == pytest.approx(getattr(expected, name), abs=1e-6)


def test_what_holds_no_speech_has_no_step() -> None:
    silent, spoken = trajectories([audio.silence(1.0), audio.voice(0, 1.0)], ENCODER, PLAIN_VAD, MOST)
    assert silent.embeddings.shape == (0, 0)
    assert len(silent.speech) == 0
    assert len(spoken.speech) > 0


def test_no_more_is_heard_than_is_wanted() -> None:
    (heard,) = trajectories([audio.voice(0, 4.0)], ENCODER, PLAIN_VAD, 1.5)
    assert 1.5 <= heard.speech[-1] < 1.7


def test_a_view_is_of_the_latest_speech_alone() -> None:
    changing = audio.join(audio.voice(0, 3.0), audio.voice(1, 3.0))
    (first, second, views, whole) = (
        next(trajectories([waveform], ENCODER, PLAIN_VAD, MOST, view))
        for waveform, view in ((audio.voice(0, 3.0), None), (audio.voice(1, 3.0), None), (changing, 1.0), (changing, None))
    )
    likeness = [views.embeddings[index] @ voice.embeddings[-1] for index in (0, -1) for voice in (first, second)]
    assert likeness[0] > likeness[1]
    assert likeness[3] > likeness[2]
    assert likeness[3] > whole.embeddings[-1] @ second.embeddings[-1]
    assert len(views.speech) == len(whole.speech) - round(1.0 / 0.08) + 1
    assert views.speech.max() <= 1.2
