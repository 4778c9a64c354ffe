"""From samples to a running embedding: gate, features and encoder steps of one stream, in stream order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from daemon.config import VadConfig
from daemon.events import Evidence, SpeechEnded, SpeechStarted
from daemon.evidence import EvidenceMeter
from daemon.vad import HOP, HOP_MS, Hop, Passage, SpeechGate, WebRtcDetector
from models.encoder import Embedding, State, Step
from models.features import MEL_BINS, FeatureStream, Frames, Waveform, frame_count

STEP_FRAMES: Final = 8
"""Frames that the encoder takes at a time."""


@dataclass(frozen=True, slots=True)
class Encode:
    """Asks for one step of the encoder on a batch of one: frames (8, 80) and the state that they follow."""

    frames: Frames
    state: State


class Listener:
    """Hears one stream: what is fed is processed lazily, 10 ms after 10 ms, as `poll` asks for the next thing to do.

    Only speech is encoded. Each segment of speech has features of its own; their frames queue up across segments, and fewer
    than `STEP_FRAMES` at the very end are dropped, as is a last hop that is not whole.
    """

    def __init__(self, start: State, config: VadConfig) -> None:
        self._hops = _HopQueue()
        self._gate = SpeechGate(
            WebRtcDetector(config.aggressiveness),
            start=max(1, config.start_ms // HOP_MS),
            pre_roll=config.pre_roll_ms // HOP_MS,
            hang_over=max(1, config.hang_over_ms // HOP_MS),
        )
        self._meter = EvidenceMeter()
        self._frames = _FrameQueue()
        self._due: deque[Frames | SpeechStarted | SpeechEnded] = deque()
        self._state = start
        self._finished = False
        self.at = 0
        """Samples heard: what the latest answer of `poll` rests on."""
        self.passed = 0
        """Samples that the gate let through."""
        self.embedding: Embedding | None = None
        """Of all speech that was encoded, (192,); None before the first step."""

    @property
    def evidence(self) -> Evidence:
        """The evidence at `at`."""
        return self._meter.evidence()

    def feed(self, samples: Waveform) -> None:
        """Take samples in [-1, 1], any number."""
        self._hops.push(samples)

    def finish(self) -> None:
        """No more audio."""
        self._finished = True

    def poll(self) -> Encode | SpeechStarted | SpeechEnded | None:
        """Return what is next; None: all that was fed is processed. After an `Encode`, call `encoded` first."""
        while not self._due and (samples := self._hops.take()) is not None:
            self._advance(self._gate.push(samples))
        if not self._due and self._finished:
            self._end()
        if not self._due:
            return None
        due = self._due.popleft()
        return Encode(due, self._state) if isinstance(due, np.ndarray) else due

    def encoded(self, step: Step) -> None:
        """Take the step that the last `Encode` asked for."""
        self._state, self.embedding = step.state, step.embedding[0]

    def _advance(self, passage: Passage) -> None:
        self.at = passage.hop.end
        self._meter.hear(passage.hop)
        if passage.started is not None:
            self._frames.begin_segment()
            self._due.append(SpeechStarted(self.at, passage.started))
        if passage.passed:
            self._take_speech(passage.passed)
        if passage.ended is not None:
            self._due.append(SpeechEnded(self.at, passage.ended))

    def _take_speech(self, hops: tuple[Hop, ...]) -> None:
        for hop in hops:
            if hop.voiced:
                self._meter.add_speech(hop)
        self.passed += len(hops) * HOP
        for frames in self._frames.push(hops):
            self._meter.add_frames(frames)
            self._due.append(frames)

    def _end(self) -> None:
        self.at = self._hops.total
        if (ended := self._gate.finish()) is not None:
            self._due.append(SpeechEnded(self.at, ended))


class _HopQueue:
    """Cuts samples into hops, whatever the pieces they come in."""

    def __init__(self) -> None:
        self.total = 0
        self._pieces: list[Waveform] = []
        self._current = np.empty(0, dtype=np.float32)
        self._taken = 0

    def push(self, samples: Waveform) -> None:
        self.total += len(samples)
        self._pieces.append(np.array(samples, dtype=np.float32))

    def take(self) -> Waveform | None:
        if len(self._current) - self._taken < HOP:
            self._current = np.concatenate([self._current[self._taken :], *self._pieces])
            self._pieces.clear()
            self._taken = 0
        if len(self._current) < HOP:
            return None
        # A copy, so that a hop that is kept does not keep the whole piece.
        hop = self._current[self._taken : self._taken + HOP].copy()
        self._taken += HOP
        return hop


class _FrameQueue:
    """Makes frames of segments of speech and cuts them into steps, across segments."""

    def __init__(self) -> None:
        self._features = FeatureStream()
        self._held: list[Waveform] = []
        self._samples = 0
        self._computed = 0
        self._waiting = np.empty((0, MEL_BINS), dtype=np.float32)

    def begin_segment(self) -> None:
        self._compute()
        self._features, self._samples, self._computed = FeatureStream(), 0, 0

    def push(self, hops: tuple[Hop, ...]) -> list[Frames]:
        """Take the next hops of the segment; return the steps that they complete, each (8, 80)."""
        self._held += [hop.samples for hop in hops]
        self._samples += len(hops) * HOP
        # Computing a step's frames in one go costs a third of computing them hop by hop.
        if len(self._waiting) + frame_count(self._samples) - self._computed >= STEP_FRAMES:
            self._compute()
        steps = [self._waiting[i : i + STEP_FRAMES] for i in range(0, len(self._waiting) - STEP_FRAMES + 1, STEP_FRAMES)]
        self._waiting = self._waiting[len(steps) * STEP_FRAMES :]
        return steps

    def _compute(self) -> None:
        if self._held:
            frames = self._features.push(np.concatenate(self._held))
            self._held.clear()
            self._computed += len(frames)
            self._waiting = np.concatenate([self._waiting, frames])
