from __future__ import annotations

import numpy as np
import pytest

from daemon.capture.conversion import Conversion
from daemon.hearing.audio import AudioDecoder, Encoding
from models.features import SAMPLE_RATE
from tests import audio


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_what_comes_out_does_not_depend_on_how_it_comes_in(rate: int) -> None:
    tone = (np.sin(np.arange(rate) / 20) / 2).astype(np.float32)
    whole, pieces = Conversion(rate, 0.0), Conversion(rate, 0.0)
    together = whole.push(tone)
    cut = np.concatenate([pieces.push(piece) for piece in np.array_split(tone, 50)])
    assert together.dtype == cut.dtype == np.float32
    # The resampler keeps back what depends on later samples.
    assert SAMPLE_RATE - len(cut) < SAMPLE_RATE / 10
    np.testing.assert_array_equal(cut, together[: len(cut)])


def test_it_converts_as_a_stream_is_converted() -> None:
    speech = np.clip(np.repeat(audio.voice(0, 1.0), 3), -1, 1)
    stream = AudioDecoder(Encoding.FLOAT32, 48_000, 1)
    np.testing.assert_array_equal(Conversion(48_000, 0.0).push(speech), stream.push(speech.tobytes()))


def test_gain_is_applied_and_clips_at_full_scale() -> None:
    np.testing.assert_allclose(
        Conversion(SAMPLE_RATE, 20.0).push(np.array([0.01, -0.05, 0.5, -0.9], dtype=np.float32)), [0.1, -0.5, 1.0, -1.0]
    )


def test_what_is_no_number_is_made_one() -> None:
    strange = np.array([np.nan, np.inf, -np.inf, 0.5], dtype=np.float32)
    np.testing.assert_array_equal(Conversion(SAMPLE_RATE, 0.0).push(strange), [0.0, 1.0, -1.0, 0.5])


def test_after_a_gap_nothing_of_what_came_before_is_heard() -> None:
    conversion = Conversion(48_000, 0.0)
    conversion.push(np.ones(4_800, dtype=np.float32))
    assert not conversion.anew().push(np.zeros(4_800, dtype=np.float32)).any()
