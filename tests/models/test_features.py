from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features import FRAME_SAMPLES, HOP_SAMPLES, MEL_BINS, FeatureStream, frame_count, log_mel
from tests.audio import voice

SPEECH = voice(seed=1, seconds=1.0)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (FRAME_SAMPLES - 1, 0), (FRAME_SAMPLES, 1), (FRAME_SAMPLES + HOP_SAMPLES, 2)])
def test_only_whole_windows_are_frames(samples: int, frames: int) -> None:
    assert frame_count(samples) == frames
    assert log_mel(SPEECH[:samples]).shape == (frames, MEL_BINS)


@given(st.lists(st.integers(0, len(SPEECH)), max_size=12))
def test_any_split_gives_the_same_frames(cuts: list[int]) -> None:
    stream = FeatureStream()
    pieces = [stream.push(piece) for piece in np.split(SPEECH, sorted(cuts))]
    assert np.array_equal(np.concatenate(pieces), log_mel(SPEECH))


def test_one_sample_at_a_time_gives_the_same_frames() -> None:
    stream = FeatureStream()
    pieces = [stream.push(SPEECH[i : i + 1]) for i in range(2000)]
    assert np.array_equal(np.concatenate(pieces), log_mel(SPEECH[:2000]))


def test_frames_of_a_prefix_are_the_prefix_of_the_frames() -> None:
    assert np.array_equal(log_mel(SPEECH[:8000]), log_mel(SPEECH)[: frame_count(8000)])


def test_a_tone_is_loudest_in_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000.0 * np.arange(16_000) / 16_000).astype(np.float32)
    loudest = int(log_mel(tone).mean(axis=0).argmax())
    lower, upper = (1127.0 * np.log(1.0 + hertz / 700.0) for hertz in (20.0, 8000.0))
    expected = (1127.0 * np.log(1.0 + 1000.0 / 700.0) - lower) / (upper - lower) * (MEL_BINS + 1) - 1
    assert abs(loudest - expected) <= 1.0
