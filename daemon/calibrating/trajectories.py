"""How the embedding of each of many recordings comes about, step by step, as a daemon would hear them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import numpy as np

from daemon.config import VadConfig
from daemon.events import Evidence
from daemon.hearing.listener import Encode, Listener
from daemon.hearing.views import SpeechView
from models.calibration.attempts import Trajectory
from models.encoder import Embedding, Encoder, Step
from models.features import SAMPLE_RATE, Waveform

BATCH: Final = 32
"""Recordings that share each step of the encoder."""


def trajectories(
    waveforms: Iterable[Waveform], encoder: Encoder, config: VadConfig, seconds: float, view: float | None = None
) -> Iterator[Trajectory]:
    """Yield the trajectory of each recording, mono at 16 kHz, in order: up to `seconds` of speech, each step with its evidence.

    view: the embeddings are of the latest so many seconds of speech alone, from when there are so many on.
    """
    coming = iter(waveforms)
    while group := [_Stream(waveform, encoder, config, seconds, view) for waveform in islice(coming, BATCH)]:
        active = group
        while active := [stream for stream in active if stream.advance()]:
            _step(active, encoder)
        yield from (stream.trajectory() for stream in group)


class _Stream:
    """One recording on its way."""

    def __init__(self, waveform: Waveform, encoder: Encoder, config: VadConfig, seconds: float, view: float | None) -> None:
        self._listener = Listener(encoder.initial_state(), config)
        self._listener.feed(waveform)
        self._listener.finish()
        self._most = round(seconds * SAMPLE_RATE)
        self._embeddings: list[Embedding] = []
        self._evidence: list[Evidence] = []
        self._view = None if view is None else SpeechView(view)
        self.due: Encode

    def advance(self) -> bool:
        """Go on to the next step of the encoder, which is then `due`; return whether there is one."""
        if self._listener.evidence.speech >= self._most:
            return False
        while (due := self._listener.poll()) is not None:
            if isinstance(due, Encode):
                self.due = self._view.asked(due) if self._view else due
                return True
        return False

    def encoded(self, step: Step) -> None:
        self._listener.encoded(step)
        evidence = self._listener.evidence
        if self._view:
            if not (self._view.hear(self.due, step, evidence) and self._view.full):
                return
            evidence = self._view.evidence
        self._embeddings.append(step.embedding[0])
        self._evidence.append(evidence)

    def trajectory(self) -> Trajectory:
        told = np.array([(one.speech / SAMPLE_RATE, one.snr, one.bandwidth) for one in self._evidence]).reshape(-1, 3)
        embeddings = np.stack(self._embeddings) if self._embeddings else np.empty((0, 0), dtype=np.float32)
        return Trajectory(embeddings, *told.T.copy())


def _step(streams: list[_Stream], encoder: Encoder) -> None:
    frames = np.stack([stream.due.frames for stream in streams])
    state = tuple(np.concatenate(parts) for parts in zip(*(stream.due.state for stream in streams), strict=True))
    step = encoder.step(frames, state)
    for row, stream in enumerate(streams):
        own = slice(row, row + 1)
        stream.encoded(Step(tuple(part[own] for part in step.state), step.embedding[own].copy()))
