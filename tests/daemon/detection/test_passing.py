from __future__ import annotations

import numpy as np
import pytest

from daemon.config import VadConfig
from daemon.detection.passing import Heard, cost, hear, missed, passed
from daemon.hearing.vad import HOP
from models.features import SAMPLE_RATE
from tests import audio

VAD = VadConfig(kind="webrtc", start_ms=60, pre_roll_ms=200, hang_over_ms=400)
SECOND = SAMPLE_RATE // HOP


def heard(*voiced: tuple[int, bool]) -> Heard:
    """Return what was heard: so many hops of each kind, all of which passed."""
    hops = np.concatenate([np.full(count, kind) for count, kind in voiced])
    return Heard(np.ones(len(hops), dtype=bool), hops)


def test_what_passes_is_speech_with_its_pre_roll_and_its_hang_over() -> None:
    one = hear(VAD, audio.join(audio.silence(1.0), audio.voice(0, 1.0), audio.silence(1.0)))
    assert len(one.passed) == len(one.voiced) == 3 * SECOND
    assert np.flatnonzero(one.passed)[[0, -1]] == pytest.approx([80, 240], abs=3)
    assert np.flatnonzero(one.voiced)[[0, -1]] == pytest.approx([100, 200], abs=3)


def test_a_pause_of_a_second_parts_attempts() -> None:
    assert heard((30, True), (SECOND - 1, False), (30, True)).attempts == [60]
    assert heard((30, True), (SECOND, False), (40, True)).attempts == [30, 40]
    assert heard((SECOND, False)).attempts == []


def test_what_passes_of_noises() -> None:
    nothing = Heard(np.zeros(100, dtype=bool), np.zeros(100, dtype=bool))
    assert passed([heard((50, True), (50, False)), heard((49, True), (51, False)), nothing, nothing]) == (0.5, 0.5, 0.25)


def test_speech_in_short_bursts_is_not_scored() -> None:
    assert passed([heard((30, True), (2 * SECOND, False), (30, True))]).scored == 0.0


def test_missed_is_the_share_of_speech_that_does_not_pass() -> None:
    speech = audio.join(audio.silence(1.0), audio.voice(0, 1.0), audio.silence(1.0))
    deaf = np.zeros(3 * SECOND, dtype=bool)
    half = np.arange(3 * SECOND) >= 1.5 * SECOND
    assert missed([hear(VAD, speech)], [speech]) == 0.0
    assert missed([Heard(deaf, deaf)], [speech]) == 1.0
    assert missed([Heard(half, half)], [speech]) == pytest.approx(0.5, abs=0.05)


def test_a_gate_costs_something() -> None:
    assert cost(VAD, audio.voice(0, 1.0)) > 0.0
