from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from daemon.hearing.hops import HopQueue
from daemon.hearing.vad import HOP
from models.features import Waveform

SAMPLES = np.arange(1_000, dtype=np.float32)


def taken(queue: HopQueue) -> list[Waveform]:
    hops = []
    while (hop := queue.take()) is not None:
        hops.append(hop)
    return hops


@given(st.lists(st.integers(0, len(SAMPLES)), max_size=10))
def test_hops_do_not_depend_on_the_pieces(cuts: list[int]) -> None:
    queue, hops = HopQueue(), []
    for start, end in pairwise([0, *sorted(cuts), len(SAMPLES)]):
        queue.push(SAMPLES[start:end])
        hops += taken(queue)
    assert queue.total == len(SAMPLES)
    np.testing.assert_array_equal(np.concatenate(hops), SAMPLES[: len(SAMPLES) // HOP * HOP])
    assert {len(hop) for hop in hops} == {HOP}


def test_what_was_pushed_may_be_overwritten() -> None:
    queue, buffer = HopQueue(), np.ones(HOP, dtype=np.float32)
    queue.push(buffer)
    buffer[:] = 0
    assert [hop.sum() for hop in taken(queue)] == [HOP]
