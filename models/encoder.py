"""The interface of the causal encoder: frames and state in, state and embedding out."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.features import Frames

State = tuple[NDArray[np.float32], ...]
"""All that the encoder remembers of a batch of streams: arrays with the batch as their first axis.

The last `POOLED` parts are what is pooled. Among the others, each part of shape (batch, 1) counts the frames of a running mean, whose
total is the part before it (`models.layers.RunningMean`).
"""

POOLED: Final = 3
"""So many parts of a state are sums over time, which the embedding is made of: of weights w, of w x and of w x^2, (batch, channels) each.

Each step adds to them what depends on its frames and on the other parts alone (`models.layers.AttentiveStatistics`): the difference of
these sums between two times, in place of the sums, is a state of the speech between them.
"""

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
