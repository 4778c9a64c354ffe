from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from daemon.evaluation.streams import BLOCK, GAP, LEVEL, Blocks, babble, music, noises, silence
from models.features import SAMPLE_RATE, Waveform
from tests.audio import noise, voice

SPOKEN = [voice(seed, 1.0 + seed / 4) for seed in range(6)]
STREAMS: dict[str, Callable[[int, int], Blocks]] = {
    "babble": lambda samples, seed: babble(SPOKEN, samples, seed),
    "music": music,
    "silence": silence,
}
LENGTH = BLOCK + 1234


def level(sound: Waveform) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2)))


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_as_long_as_asked_for_and_made_in_pieces(kind: str) -> None:
    blocks = list(STREAMS[kind](LENGTH, 0))
    assert sum(map(len, blocks)) == LENGTH
    assert max(map(len, blocks)) == BLOCK
    assert all(block.dtype == np.float32 and np.abs(block).max(initial=0.0) <= 1.0 for block in blocks)


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_depends_on_its_seed_alone(kind: str) -> None:
    first, same, other = (np.concatenate(list(STREAMS[kind](BLOCK + 100, seed))) for seed in (3, 3, 4))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_babble_and_music_are_as_loud_as_speech() -> None:
    for block in (*babble(SPOKEN, 2 * BLOCK, 0), *music(2 * BLOCK, 0)):
        assert level(block) == pytest.approx(LEVEL, abs=1.0)


def test_voices_in_babble_are_equally_loud() -> None:
    soft, loud = noise(1.0, level=-60.0, seed=1), noise(1.0, level=-10.0, seed=2)
    equal = np.concatenate(list(babble([soft, loud], BLOCK, 0)))
    same = np.concatenate(list(babble([100 * soft, 0.1 * loud], BLOCK, 0)))
    assert np.allclose(equal, same, atol=1e-6)


def test_silence_begins_with_nothing_at_all() -> None:
    digital, hiss, *_ = silence(2 * BLOCK, 0)
    assert not digital.any()
    assert hiss.any()


def test_recorded_noises_are_apart() -> None:
    first, second = noises([noise(1.0), noise(0.5, seed=1)])
    assert np.array_equal(first[:SAMPLE_RATE], noise(1.0))
    assert len(first) == SAMPLE_RATE + GAP
    assert not second[-GAP:].any()


@pytest.mark.parametrize("kind", STREAMS)
def test_no_time_is_no_stream(kind: str) -> None:
    assert not list(STREAMS[kind](0, 0))
