"""The interface of the causal encoder: frames and state in, state and embedding out."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.features import Frames

State = tuple[NDArray[np.float32], ...]
"""All that the encoder remembers of a batch of streams: arrays with the batch as their first axis."""

Embedding = NDArray[np.float32]


class Step(NamedTuple):
    """Result of a step: the new state, and the embedding of all frames since the initial state, (batch, size)."""

    state: State
    embedding: Embedding


class Encoder(Protocol):
    """An immutable model that any number of streams share; each stream keeps its own state."""

    @property
    def model_id(self) -> str:
        """Name and content hash: embeddings of models with different ids cannot be compared."""
        ...

    @property
    def step_frames(self) -> int:
        """Frames that one step takes, always exactly this many."""
        ...

    def initial_state(self) -> State:
        """State of one stream (batch 1) before its first frame."""
        ...

    def step(self, frames: Frames, state: State) -> Step:
        """Advance a batch of streams by `step_frames` frames each: frames has shape (batch, step_frames, 80)."""
        ...
