from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import closing

import numpy as np
import pytest

from daemon.engine import Engine
from models.encoder import State, Step
from models.features import MEL_BINS, Frames
from tests.fakes import FakeEncoder


class WatchedEncoder(FakeEncoder):
    """Notes its batches and its threads; waits in each step until it is released; fails on frames of NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.started = threading.Semaphore(0)
        self.released = threading.Event()

    def step(self, frames: Frames, state: State) -> Step:
        self.batches.append(len(frames))
        self.threads.add(threading.current_thread().name)
        self.started.release()
        assert self.released.wait(timeout=60)
        if np.isnan(frames).any():
            raise FloatingPointError("frames of NaN")
        return super().step(frames, state)


@pytest.fixture
def encoder() -> WatchedEncoder:
    return WatchedEncoder()


@pytest.fixture
async def engine(encoder: WatchedEncoder) -> AsyncIterator[Engine]:
    with closing(Engine(encoder, max_batch=4)) as opened:
        yield opened
        encoder.released.set()


def frames(seed: int) -> Frames:
    return np.random.default_rng(seed).normal(size=(8, MEL_BINS)).astype(np.float32)


def start(engine: Engine, seed: int) -> asyncio.Task[Step]:
    return asyncio.create_task(engine.step(frames(seed), engine.encoder.initial_state()))


async def until_running(encoder: WatchedEncoder) -> None:
    assert await asyncio.to_thread(encoder.started.acquire, timeout=60)


async def test_a_step_is_that_of_the_encoder(engine: Engine, encoder: WatchedEncoder) -> None:
    encoder.released.set()
    first = await engine.step(frames(1), encoder.initial_state())
    second = await engine.step(frames(2), first.state)
    expected = FakeEncoder().step(frames(2)[None], FakeEncoder().step(frames(1)[None], encoder.initial_state()).state)
    np.testing.assert_array_equal(second.embedding, expected.embedding)
    assert [part.shape for part in second.state] == [part.shape for part in expected.state]


async def test_those_who_wait_share_the_next_step(engine: Engine, encoder: WatchedEncoder) -> None:
    tasks = [start(engine, 0)]
    await until_running(encoder)
    tasks += [start(engine, seed) for seed in range(1, 7)]
    await asyncio.sleep(0)
    encoder.released.set()
    steps = await asyncio.gather(*tasks)
    assert encoder.batches == [1, 4, 2]
    for seed, step in enumerate(steps):
        alone = FakeEncoder().step(frames(seed)[None], encoder.initial_state())
        np.testing.assert_array_equal(step.embedding, alone.embedding)
        np.testing.assert_array_equal(step.state[0], alone.state[0])


async def test_the_encoder_never_runs_on_the_event_loop(engine: Engine, encoder: WatchedEncoder) -> None:
    task = start(engine, 1)
    await until_running(encoder)
    encoder.released.set()
    await task
    await start(engine, 2)
    assert encoder.threads == {"encoder"}


async def test_a_result_does_not_hold_its_batch(engine: Engine, encoder: WatchedEncoder) -> None:
    tasks = [start(engine, seed) for seed in range(3)]
    encoder.released.set()
    steps = await asyncio.gather(*tasks)
    assert all(part.base is None for step in steps for part in (*step.state, step.embedding))


async def test_who_is_cancelled_while_waiting_costs_nothing(engine: Engine, encoder: WatchedEncoder) -> None:
    running = start(engine, 0)
    await until_running(encoder)
    cancelled, other = start(engine, 1), start(engine, 2)
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    encoder.released.set()
    assert (await running).embedding.shape == (await other).embedding.shape == (1, 192)
    assert cancelled.cancelled()
    assert encoder.batches == [1, 1]


async def test_who_is_cancelled_during_a_step_disturbs_nobody(engine: Engine, encoder: WatchedEncoder) -> None:
    cancelled, other = start(engine, 1), start(engine, 2)
    await until_running(encoder)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    encoder.released.set()
    assert (await other).embedding.shape == (1, 192)


async def test_a_failing_step_is_told_to_those_who_wait_and_the_next_works(engine: Engine, encoder: WatchedEncoder) -> None:
    encoder.released.set()
    with pytest.raises(FloatingPointError, match="frames of NaN"):
        await engine.step(np.full((8, MEL_BINS), np.nan, dtype=np.float32), encoder.initial_state())
    assert (await start(engine, 1)).embedding.shape == (1, 192)


async def test_closing_ends_the_thread(encoder: WatchedEncoder) -> None:
    engine = Engine(encoder, max_batch=4)
    encoder.released.set()
    await start(engine, 1)
    engine.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "encoder"]
