"""The encoder, shared by all streams: it runs in a thread of its own, and whoever waits at the same time shares its next step."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from models.encoder import Encoder, State, Step
from models.features import Frames


@dataclass(frozen=True, slots=True)
class _Job:
    frames: Frames
    state: State
    result: asyncio.Future[Step]


class Engine:
    """Runs the steps of any number of streams, at most `max_batch` of them at a time. Belongs to one event loop.

    A stream that is cancelled while it waits disturbs no other.
    """

    def __init__(self, encoder: Encoder, max_batch: int) -> None:
        self.encoder = encoder
        self._max_batch = max_batch
        self._waiting: deque[_Job] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")
        self._running: asyncio.Task[None] | None = None

    async def step(self, frames: Frames, state: State) -> Step:
        """Return the encoder's step for one stream: frames (step_frames, 80) after `state`. Raises what the encoder raises."""
        job = _Job(frames, state, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await job.result

    def close(self) -> None:
        """Wait for the step that is running, and end the thread; nobody may wait for a step any more."""
        self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next_batch():
            try:
                steps = await loop.run_in_executor(self._thread, self._step, batch)
            except Exception as error:  # noqa: BLE001 - it is for those who wait
                for job in batch:
                    _settle(job, error)
            else:
                for job, step in zip(batch, steps, strict=True):
                    _settle(job, step)

    def _next_batch(self) -> list[_Job]:
        batch: list[_Job] = []
        while self._waiting and len(batch) < self._max_batch:
            job = self._waiting.popleft()
            if not job.result.done():
                batch.append(job)
        return batch

    def _step(self, batch: list[_Job]) -> list[Step]:
        """Runs in the thread."""
        frames = np.stack([job.frames for job in batch])
        state = tuple(np.concatenate(parts) for parts in zip(*(job.state for job in batch), strict=True))
        step = self.encoder.step(frames, state)
        return [_row(step, index) for index in range(len(batch))]


def _row(step: Step, index: int) -> Step:
    # Copies: a view would keep the whole batch in memory for as long as one of its streams lives.
    return Step(tuple(part[index : index + 1].copy() for part in step.state), step.embedding[index : index + 1].copy())


def _settle(job: _Job, outcome: Step | Exception) -> None:
    if job.result.done():
        return
    if isinstance(outcome, Exception):
        job.result.set_exception(outcome)
    else:
        job.result.set_result(outcome)
