from __future__ import annotations

import sys
from collections.abc import Iterator
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.capture.records import Audio, Lost, Samples
from daemon.capture.ring import Ring


def block(start: int, size: int) -> Samples:
    return np.arange(start, start + size, dtype=np.float32)


def taken(ring: Ring) -> list[list[float] | None]:
    """Return what is taken; None is a gap."""
    return [record.samples.tolist() if isinstance(record, Audio) else None for record in ring.take()]


def test_what_is_put_is_taken_once() -> None:
    ring = Ring(8)
    ring.put(block(0, 3), overflow=False)
    ring.put(block(3, 2), overflow=False)
    assert taken(ring) == [[0, 1, 2, 3, 4]]
    assert taken(ring) == []
    assert ring.calls == 2


def test_what_is_taken_is_a_copy() -> None:
    ring = Ring(2)
    ring.put(block(0, 2), overflow=False)
    (record,) = ring.take()
    ring.put(block(7, 2), overflow=False)
    assert isinstance(record, Audio)
    assert record.samples.tolist() == [0, 1]


def test_what_does_not_fit_is_lost_whole() -> None:
    ring = Ring(4)
    ring.put(block(0, 3), overflow=False)
    ring.put(block(3, 2), overflow=False)
    ring.put(block(5, 2), overflow=False)
    assert taken(ring) == [[0, 1, 2], None]
    ring.put(block(7, 2), overflow=False)
    assert taken(ring) == [[7, 8]]


def test_a_gap_is_where_the_device_lost_audio() -> None:
    ring = Ring(16)
    ring.put(block(0, 2), overflow=False)
    ring.put(block(2, 2), overflow=True)
    ring.put(block(4, 2), overflow=True)
    ring.put(block(6, 2), overflow=False)
    assert taken(ring) == [[0, 1], None, [2, 3], None, [4, 5, 6, 7]]


def test_a_gap_at_the_very_beginning_is_told() -> None:
    ring = Ring(4)
    ring.put(block(0, 2), overflow=True)
    assert taken(ring) == [None, [0, 1]]


@given(
    st.integers(1, 12),
    st.lists(st.one_of(st.none(), st.tuples(st.integers(1, 6), st.booleans())), max_size=60),
)
def test_audio_between_two_gaps_is_without_gap(capacity: int, steps: list[tuple[int, bool] | None]) -> None:
    ring, position = Ring(capacity), 0
    records: list[Audio | Lost] = []
    for step in steps:
        if step is None:
            records += ring.take()
        else:
            # Audio that the device itself loses is skipped in the count, too.
            position += step[1]
            ring.put(block(position, step[0]), overflow=step[1])
            position += step[0]
    records += ring.take()

    last: float | None = None
    for record in records:
        if isinstance(record, Lost):
            last = None
            continue
        steps_between = np.diff(record.samples if last is None else np.concatenate([[last], record.samples]))
        assert (steps_between == 1).all()
        last = record.samples[-1]


@pytest.fixture
def often_switched() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.usefixtures("often_switched")
def test_two_threads_lose_nothing_that_is_not_told() -> None:
    ring, size, blocks = Ring(1_000), 37, 2_000

    def call() -> None:
        for number in range(blocks):
            ring.put(block(number * size, size), overflow=False)

    callback = Thread(target=call)
    callback.start()
    records: list[Audio | Lost] = []
    while callback.is_alive():
        records += ring.take()
    callback.join()
    records += ring.take()

    expected = 0.0
    for record in records:
        if isinstance(record, Lost):
            expected = -1.0
            continue
        assert expected in {-1.0, record.samples[0]}
        assert (np.diff(record.samples) == 1).all()
        expected = record.samples[-1] + 1
    assert ring.calls == blocks
