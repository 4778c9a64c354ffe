from __future__ import annotations

import pytest

from daemon.attempts import since
from daemon.events import Evidence

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
