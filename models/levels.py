"""What a teacher of the x-vector family offers to learn from, by name."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor


class Levels(NamedTuple):
    """Representations of a batch of utterances, from the earliest to the last.

    frame: the last frame-level layer, (batch, time, channels), at the teacher's own frame rate.
    pooled: statistics over time, (batch, statistics).
    embedding: the speaker embedding, (batch, size).
    """

    frame: Tensor
    pooled: Tensor
    embedding: Tensor


class Teacher(Protocol):
    """A network that shows its levels."""

    def __call__(self, frames: Tensor) -> Levels:
        """Map uncentred log-mel frames, (batch, time, 80), of equally long utterances to their levels."""
        ...
