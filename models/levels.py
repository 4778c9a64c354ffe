"""What networks of the x-vector family have in common, teachers and students: levels to learn from, by name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class Levels(NamedTuple):
    """Representations of a batch of utterances, from the earliest to the last.

    frame: the last frame-level layer, (batch, time, channels), at the teacher's own frame rate.
    pooled: statistics over time, (batch, statistics).
    embedding: the speaker embedding, (batch, size).
    """

    frame: Tensor
    pooled: Tensor
    embedding: Tensor


class Network(nn.Module):
    """Base of those that show their levels."""

    frame_stride: int
    """Log-mel frames (10 ms) per frame of its frame level."""

    def levels(self, frames: Tensor) -> Levels:
        """Map uncentred log-mel frames, (batch, time, 80), of equally long utterances to their levels."""
        levels: Levels = self(frames)
        return levels
