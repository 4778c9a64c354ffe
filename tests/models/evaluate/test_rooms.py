from __future__ import annotations

import numpy as np
import pytest

from models.evaluate.rooms import LAYOUTS, impulse_response
from models.features import SAMPLE_RATE, Waveform


def reverberation_of(response: Waveform) -> float:
    """Return the time of a decay by 60 dB, from that between -5 and -25 dB of the energy still to come (Schroeder, 1965).

    The first 20 ms are left out: the direct sound is loud where speaker and microphone are close.
    """
    left = np.cumsum(response[: SAMPLE_RATE // 50 : -1].astype(np.float64) ** 2)[::-1]
    level = 10 * np.log10(left / left[0])
    return 3 * float(np.argmax(level < -25) - np.argmax(level < -5)) / SAMPLE_RATE


@pytest.mark.parametrize("seconds", [0.3, 0.6])
def test_sound_decays_as_asked_for(seconds: float) -> None:
    times = np.array([reverberation_of(impulse_response(seconds, layout)) for layout in range(LAYOUTS)])
    assert times.min() > 0.9 * seconds
    assert times.mean() < 1.3 * seconds
    assert times.max() < 1.5 * seconds


def test_the_direct_sound_comes_first_with_height_one() -> None:
    assert {float(impulse_response(0.3, layout)[0]) for layout in range(LAYOUTS)} == {1.0}


def test_a_response_ends_after_the_reverberation_time() -> None:
    assert len(impulse_response(0.3, 0)) <= 0.3 * SAMPLE_RATE


def test_rooms_differ_and_are_the_same_each_time() -> None:
    assert not np.array_equal(impulse_response(0.3, 0)[:1000], impulse_response(0.3, 1)[:1000])
    again = impulse_response.__wrapped__(0.3, 0)
    np.testing.assert_array_equal(again, impulse_response(0.3, 0))


def test_reflections_carry_no_constant_pressure() -> None:
    response = impulse_response(0.6, 3)
    spectrum = np.abs(np.fft.rfft(response, SAMPLE_RATE))
    assert spectrum[:5].mean() < spectrum[1000:2000].mean()
