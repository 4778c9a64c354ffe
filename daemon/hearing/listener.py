"""From samples to a running embedding: gate, features and encoder steps of one stream, in stream order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from daemon.config import VadConfig
from daemon.events import Evidence, SpeechEnded, SpeechStarted
from daemon.hearing.evidence import EvidenceMeter
from daemon.hearing.hops import HopQueue
from daemon.hearing.vad import HOP, Hop, Passage, speech_gate
from models.encoder import Embedding, State, Step
from models.features import MEL_BINS, SAMPLE_RATE, FeatureStream, Frames, Waveform, frame_count

STEP_FRAMES: Final = 8
"""Frames that the encoder takes at a time."""
UNFRAMED: Final = 2
"""Hops of each segment that no frame ends with: a frame, of 25 ms, counts as voiced if the last of its three hops is."""


@dataclass(frozen=True, slots=True)
class Encode:
    """Asks for one step of the encoder on a batch of one: frames (8, 80) and the state that they follow.

    voiced: how many of the frames are.
    """

    frames: Frames
    state: State
    voiced: int = STEP_FRAMES


class Chunk(NamedTuple):
    """Frames of a step, (8, 80), and how many of them are voiced."""

    frames: Frames
    voiced: int


class Utterance:
    """What is known of a voice by what it said: the evidence and the running embedding.

    Each segment of speech has features of its own; their frames queue up across segments, and fewer than `STEP_FRAMES` at the very end
    are dropped.
    """

    def __init__(self, start: State) -> None:
        self._meter = EvidenceMeter()
        self._frames = _FrameQueue()
        self._state = start
        self.passed = 0
        """Samples of speech, with the pauses that belong to it."""
        self.embedding: Embedding | None = None
        """Of all speech that was encoded, (192,); None before the first step."""

    @property
    def evidence(self) -> Evidence:
        """The evidence by now."""
        return self._meter.evidence()

    def hear(self, powers: Iterable[float]) -> None:
        """Take the mean square of every hop, be it speech or not, once: what is not speech is the background."""
        for power in powers:
            self._meter.hear(power)

    def begin_segment(self) -> None:
        """What is spoken from now on does not follow what was spoken before."""
        self._frames.begin_segment()

    def speak(self, hops: tuple[Hop, ...]) -> list[Chunk]:
        """Take the next hops of the segment; return the frames of the steps that they complete."""
        for hop in hops:
            if hop.voiced:
                self._meter.add_speech(hop)
        self.passed += len(hops) * HOP
        steps = self._frames.push(hops)
        for chunk in steps:
            self._meter.add_frames(chunk.frames)
        return steps

    def step(self, chunk: Chunk) -> Encode:
        """Ask for the step of a chunk, once the one before is done."""
        return Encode(chunk.frames, self._state, chunk.voiced)

    def encoded(self, step: Step) -> None:
        """Take the step that was asked for."""
        self._state, self.embedding = step.state, step.embedding[0]


class Listener:
    """Hears one stream: what is fed is processed lazily, 10 ms after 10 ms, as `poll` asks for the next thing to do.

    Only speech is encoded, as one utterance; a last hop that is not whole is dropped.
    """

    def __init__(self, start: State, config: VadConfig, patience: float | None = None) -> None:
        """patience: seconds without speech after which nothing more is heard, None for none."""
        self._hops = HopQueue()
        self._gate = speech_gate(config)
        self._utterance = Utterance(start)
        self._due: deque[Chunk | SpeechStarted | SpeechEnded] = deque()
        self._finished = False
        self._patience = None if patience is None else round(patience * SAMPLE_RATE / HOP) * HOP
        self._quiet_from = 0
        self.at = 0
        """Samples heard: what the latest answer of `poll` rests on."""

    @property
    def passed(self) -> int:
        """Samples that the gate let through."""
        return self._utterance.passed

    @property
    def embedding(self) -> Embedding | None:
        """Of all speech that was encoded, (192,); None before the first step."""
        return self._utterance.embedding

    @property
    def evidence(self) -> Evidence:
        """The evidence at `at`."""
        return self._utterance.evidence

    @property
    def paused(self) -> bool:
        """Nobody has spoken for as long as the patience lasts."""
        return self._patience is not None and not self._gate.open and self.at - self._quiet_from >= self._patience

    def feed(self, samples: Waveform) -> None:
        """Take samples in [-1, 1], any number."""
        self._hops.push(samples)

    def finish(self) -> None:
        """No more audio."""
        self._finished = True

    def poll(self) -> Encode | SpeechStarted | SpeechEnded | None:
        """Return what is next; None: all that was fed is processed, or it is `paused`. After an `Encode`, call `encoded` first."""
        while not self._due and not self.paused and (samples := self._hops.take()) is not None:
            self._advance(self._gate.push(samples))
        if not self._due and self._finished and not self.paused:
            self._end()
        if not self._due:
            return None
        due = self._due.popleft()
        return self._utterance.step(due) if isinstance(due, Chunk) else due

    def encoded(self, step: Step) -> None:
        """Take the step that the last `Encode` asked for."""
        self._utterance.encoded(step)

    def _advance(self, passage: Passage) -> None:
        self.at = passage.hop.end
        self._utterance.hear([passage.hop.power])
        if passage.started is not None:
            self._utterance.begin_segment()
            self._due.append(SpeechStarted(self.at, passage.started))
        if passage.passed:
            self._due.extend(self._utterance.speak(passage.passed))
        if passage.ended is not None:
            self._due.append(SpeechEnded(self.at, passage.ended))
            self._quiet_from = passage.ended

    def _end(self) -> None:
        self.at = self._hops.total
        if (ended := self._gate.finish()) is not None:
            self._due.append(SpeechEnded(self.at, ended))


class _FrameQueue:
    """Makes frames of segments of speech and cuts them into steps, across segments."""

    def __init__(self) -> None:
        self._features = FeatureStream()
        self._held: list[Waveform] = []
        self._samples = 0
        self._computed = 0
        self._unframed = UNFRAMED
        self._voiced: deque[bool] = deque()
        self._waiting = np.empty((0, MEL_BINS), dtype=np.float32)

    def begin_segment(self) -> None:
        self._compute()
        self._features, self._samples, self._computed, self._unframed = FeatureStream(), 0, 0, UNFRAMED

    def push(self, hops: tuple[Hop, ...]) -> list[Chunk]:
        """Take the next hops of the segment; return the frames of the steps that they complete."""
        self._held += [hop.samples for hop in hops]
        self._voiced.extend(hop.voiced for hop in hops[self._unframed :])
        self._unframed = max(0, self._unframed - len(hops))
        self._samples += len(hops) * HOP
        # Computing a step's frames in one go costs a third of computing them hop by hop.
        if len(self._waiting) + frame_count(self._samples) - self._computed >= STEP_FRAMES:
            self._compute()
        starts = range(0, len(self._waiting) - STEP_FRAMES + 1, STEP_FRAMES)
        steps = [Chunk(self._waiting[i : i + STEP_FRAMES], self._take_voiced()) for i in starts]
        self._waiting = self._waiting[len(steps) * STEP_FRAMES :]
        return steps

    def _take_voiced(self) -> int:
        return sum(self._voiced.popleft() for _ in range(STEP_FRAMES))

    def _compute(self) -> None:
        if self._held:
            frames = self._features.push(np.concatenate(self._held))
            self._held.clear()
            self._computed += len(frames)
            self._waiting = np.concatenate([self._waiting, frames])
