"""One recording of an enrollment: encoded as a whole, and in pieces by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from daemon.config import Config
from daemon.enrollment.agreement import Heard
from daemon.events import Evidence
from daemon.hearing.listener import STEP_FRAMES, Encode, Listener
from daemon.speakers import unit
from models.encoder import Embedding, State, Step
from models.features import HOP_SAMPLES, SAMPLE_RATE, Frames

_STEPS_PER_SECOND: Final = SAMPLE_RATE / (STEP_FRAMES * HOP_SAMPLES)
PIECE_STEPS: Final = round(3.0 * _STEPS_PER_SECOND)
"""Encoder steps in a piece of about 3 s, which is encoded by itself to find out whether a recording has two voices.

Voices that take turns within every piece look like one.
"""
LEAST_STEPS: Final = round(1.5 * _STEPS_PER_SECOND)
"""A last piece that is shorter says too little."""


@dataclass(frozen=True)
class Recording:
    """What was heard of one recording.

    length: its samples. embedding: of all its speech, of unit length; None if there was too little for one. pieces: its consecutive
    pieces, each by itself.
    """

    length: int
    evidence: Evidence
    embedding: Embedding | None
    pieces: tuple[Heard, ...] = ()

    @property
    def seconds(self) -> float:
        """Net speech in seconds."""
        return self.evidence.speech / SAMPLE_RATE

    @property
    def heard(self) -> tuple[Heard, ...]:
        """The recording as a whole, if there was speech enough for an embedding."""
        return () if self.embedding is None else (Heard(self.embedding, self.evidence),)


class Recorder:
    """Encodes one recording twice; `daemon.enrollment.session` drives it.

    The pieces cost a second encoder step each; an enrollment is short and rare, and they show what a running mean hides.
    """

    def __init__(self, start: State, config: Config) -> None:
        self.listener = Listener(start, config.vad)
        self._pieces = _Pieces(start)
        self._whole: Frames | None = None
        """Being encoded as part of the whole."""
        self._piece: Frames | None = None
        """Encoded as part of the whole, not yet as part of a piece."""

    def poll(self) -> Encode | None:
        """Return the next step to be encoded; None: more audio is needed."""
        if self._piece is not None:
            return Encode(self._piece, self._pieces.state)
        while (due := self.listener.poll()) is not None:
            if isinstance(due, Encode):
                self._whole = due.frames
                return due
        return None

    def encoded(self, step: Step) -> bool:
        """Take a step; return whether the whole recording has advanced by it."""
        if self._piece is not None:
            self._piece = None
            self._pieces.encoded(step)
            return False
        self._piece = self._whole
        self.listener.encoded(step)
        return True

    def recording(self) -> Recording:
        """Return what was heard by now."""
        listener, evidence = self.listener, self.listener.evidence
        embedding = None if listener.embedding is None else unit(listener.embedding).astype(np.float32)
        pieces = self._pieces.pieces()
        # Pauses that belong to the speech are encoded, too, and are no net speech.
        share = evidence.speech / max(self._pieces.total, 1)
        heard = (Heard(piece.embedding, replace(evidence, speech=round(share * piece.steps))) for piece in pieces)
        return Recording(listener.at, evidence, embedding, tuple(heard))


class _Piece(NamedTuple):
    embedding: Embedding
    steps: int


class _Pieces:
    """Embeddings of consecutive pieces, each from a fresh state."""

    def __init__(self, start: State) -> None:
        self.state = start
        self.total = 0
        """Steps of all pieces."""
        self._start = start
        self._latest: _Piece | None = None
        self._whole: list[_Piece] = []

    def encoded(self, step: Step) -> None:
        steps = 1 if self._latest is None else self._latest.steps + 1
        self.state, self._latest = step.state, _Piece(unit(step.embedding[0]).astype(np.float32), steps)
        self.total += 1
        if steps == PIECE_STEPS:
            self._whole.append(self._latest)
            self.state, self._latest = self._start, None

    def pieces(self) -> tuple[_Piece, ...]:
        last = () if self._latest is None or self._latest.steps < LEAST_STEPS else (self._latest,)
        return (*self._whole, *last)
