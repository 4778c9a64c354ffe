from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from daemon.events import Evidence
from daemon.hearing.listener import Encode
from daemon.hearing.views import SpeechView, since
from models.encoder import Step

THEN = Evidence(speech=16_000, snr=30.0, clipped=0.5, bandwidth=4_000.0, voice=0.9)
NOW = Evidence(speech=48_000, snr=20.0, clipped=0.25, bandwidth=7_000.0, voice=0.5)


def test_evidence_of_what_was_said_between_two_times() -> None:
    between = since(THEN, NOW)
    assert between.speech == 32_000
    # Of 12,000 clipped samples, 8,000 came before.
    assert between.clipped == pytest.approx(4_000 / 32_000)
    assert between.voice == pytest.approx((24_000 - 14_400) / 32_000)
    assert (between.snr, between.bandwidth) == (NOW.snr, NOW.bandwidth)


def test_evidence_since_the_beginning_is_all_of_it() -> None:
    assert since(Evidence(), NOW) == NOW


def test_nothing_was_said() -> None:
    assert since(NOW, NOW) == Evidence()


def test_shares_stay_shares_whatever_is_rounded() -> None:
    between = since(Evidence(speech=100, voice=1.0 + 1e-12), Evidence(speech=200, voice=1.0))
    assert 0.0 <= between.voice <= 1.0


def step(value: float) -> Step:
    part = np.full((1, 2), value, dtype=np.float32)
    return Step((part, part, part), part)


def due(value: float, voiced: int = 8) -> Encode:
    return Encode(np.empty((8, 80), dtype=np.float32), step(value).state, voiced)


def test_pauses_are_not_viewed() -> None:
    view = SpeechView(0.24)
    said = Evidence(speech=1_280, snr=20.0, voice=1.0)
    assert view.hear(due(0.0), step(1.0), said)
    assert not view.hear(due(1.0, voiced=3), step(9.0), said)
    assert view.hear(due(9.0, voiced=4), step(11.0), replace(said, speech=1_920))
    assert not view.full
    # One and two, without the eight of the pause.
    np.testing.assert_array_equal(view.asked(due(11.0)).state[0], [[3.0, 3.0]])
    assert view.evidence.speech == 1_920


def test_a_view_is_of_the_latest_speech() -> None:
    view = SpeechView(0.24)
    for number in range(1, 6):
        assert view.hear(due(0.0), step(float(number)), Evidence(speech=1_280 * number))
    assert view.full
    assert view.evidence.speech == 3 * 1_280
    # The oldest of the three makes room for what is asked for.
    np.testing.assert_array_equal(view.asked(due(0.0)).state[0], [[9.0, 9.0]])
