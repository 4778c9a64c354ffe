"""The encoder, shared by all streams: it runs in a thread of its own, and whoever waits at the same time shares its next step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

import numpy as np

from models.encoder import Encoder, State, Step
from models.features import Frames


@dataclass(frozen=True, slots=True)
class _Job:
    frames: Frames
    state: State
    result: asyncio.Future[Step]


class Engine:
    """Runs the steps of any number of streams, at most `max_batch` of them at a time. Belongs to the event loop that it is made in.

    A stream that is cancelled while it waits disturbs no other.
    """

    def __init__(self, encoder: Encoder, max_batch: int) -> None:
        self.encoder = encoder
        self._max_batch = max_batch
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    async def step(self, frames: Frames, state: State) -> Step:
        """Return the encoder's step for one stream: frames (step_frames, 80) after `state`. Raises what the encoder raises."""
        job = _Job(frames, state, self._loop.create_future())
        self._waiting.put(job)
        return await job.result

    def close(self) -> None:
        """Wait for the steps that are asked for, and end the thread; nobody may ask for a step any more."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        """Runs in the thread, as all that follows; nobody else takes from the queue."""
        closing = False
        while not closing:
            taken = [self._waiting.get()]
            while len(taken) < self._max_batch and not self._waiting.empty():
                taken.append(self._waiting.get())
            closing = taken[-1] is None
            if batch := [job for job in taken if job and not job.result.cancelled()]:
                self._advance(batch)

    def _advance(self, batch: list[_Job]) -> None:
        try:
            step = self._step(batch)
        except Exception as error:  # noqa: BLE001 - it is for those who wait
            self._loop.call_soon_threadsafe(_fail, batch, error)
        else:
            self._loop.call_soon_threadsafe(_succeed, batch, step)

    def _step(self, batch: list[_Job]) -> Step:
        frames = np.stack([job.frames for job in batch])
        state = tuple(np.concatenate(parts) for parts in zip(*(job.state for job in batch), strict=True))
        return self.encoder.step(frames, state)


def _succeed(batch: list[_Job], step: Step) -> None:
    for index, job in enumerate(batch):
        if not job.result.done():
            job.result.set_result(_row(step, index))


def _fail(batch: list[_Job], error: Exception) -> None:
    for job in batch:
        if not job.result.done():
            job.result.set_exception(error)


def _row(step: Step, index: int) -> Step:
    # Copies: a view would keep the whole batch in memory for as long as one of its streams lives.
    return Step(tuple(part[index : index + 1].copy() for part in step.state), step.embedding[index : index + 1].copy())
