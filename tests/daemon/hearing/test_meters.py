from __future__ import annotations

import numpy as np
import pytest

from daemon.events import ClippingChanged, Level, SilenceChanged
from daemon.hearing.meters import ClippingMeter, LevelMeter, SilenceMeter
from daemon.hearing.vad import HOP, Hop
from models.features import Waveform
from tests import audio


def hops(samples: Waveform) -> list[Hop]:
    pieces = [samples[start : start + HOP] for start in range(0, len(samples) - HOP + 1, HOP)]
    return [Hop(number * HOP, piece, float(np.mean(np.square(piece))), voiced=False) for number, piece in enumerate(pieces)]


def levels(samples: Waveform, seconds: float) -> list[Level]:
    meter = LevelMeter(seconds)
    return [level for hop in hops(samples) if (level := meter.hear(hop, speech=False))]


def silences(samples: Waveform) -> list[SilenceChanged]:
    meter = SilenceMeter()
    return [change for hop in hops(samples) if (change := meter.hear(hop))]


def clippings(samples: Waveform) -> list[ClippingChanged]:
    meter = ClippingMeter()
    return [change for hop in hops(samples) if (change := meter.hear(hop))]


def constant(value: float, samples: int) -> Waveform:
    return np.full(samples, value, dtype=np.float32)


@pytest.mark.parametrize(("value", "expected"), [(1.0, 0.0), (-0.5, -6.02), (0.001, -60.0), (0.0, -120.0), (1e-9, -120.0)])
def test_levels_are_relative_to_full_scale(value: float, expected: float) -> None:
    (level,) = levels(constant(value, 1_600), 0.1)
    assert (level.rms, level.peak) == pytest.approx((expected, expected), abs=0.01)


def test_each_stretch_has_a_level_of_its_own() -> None:
    found = levels(audio.join(constant(0.1, 1_600), constant(0.01, 1_600)), 0.1)
    assert [round(level.rms) for level in found] == [-20, -40]
    assert [round(level.peak) for level in found] == [-20, -40]


@pytest.mark.parametrize(("seconds", "samples"), [(0.1, 1_600), (0.01, 160), (0.014, 160), (0.25, 4_000)])
def test_stretches_are_whole_hops(seconds: float, samples: int) -> None:
    assert [level.at for level in levels(constant(0.1, 8_000), seconds)] == list(range(samples, 8_001, samples))


def test_a_second_of_zeros_is_silence() -> None:
    assert silences(constant(0, 15_999)) == []
    assert silences(constant(0, 16_000)) == [SilenceChanged(16_000, silent=True)]


def test_zeros_are_counted_by_the_sample() -> None:
    samples = audio.join(constant(0.1, 100), constant(0, 16_000), constant(0.1, 60))
    # The zeros end within the hop that ends at 16,160, which has samples that are not zero.
    assert silences(samples) == []
    assert silences(audio.join(constant(0.1, 100), constant(0, 16_060))) == [SilenceChanged(16_160, silent=True)]


def test_the_faintest_sample_ends_silence() -> None:
    assert silences(audio.join(constant(0, 32_000), constant(1e-9, 1), constant(0, 319))) == [
        SilenceChanged(16_000, silent=True),
        SilenceChanged(32_160, silent=False),
    ]


def clipped(share: float) -> Waveform:
    samples = constant(0.1, 16_000)
    samples[: round(share * 16_000)] = -1.0
    return samples


def test_more_than_a_hundredth_of_a_second_at_full_scale_is_clipping() -> None:
    assert clippings(clipped(0.01)) == []
    assert clippings(clipped(0.0101)) == [ClippingChanged(16_000, clipping=True)]


def test_clipping_is_told_when_it_changes() -> None:
    assert clippings(audio.join(clipped(0.1), clipped(0.1), clipped(0.0), clipped(0.0), clipped(0.5))) == [
        ClippingChanged(16_000, clipping=True),
        ClippingChanged(48_000, clipping=False),
        ClippingChanged(80_000, clipping=True),
    ]
