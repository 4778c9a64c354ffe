"""Teachers as embeddings to measure."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from models.features import Waveform, log_mel
from models.levels import Network

MIN_FRAMES: Final = 10
"""A deviation over time needs more than one frame of a teacher; fewer than these say nothing of a voice."""


class TeacherEmbedding:
    """A teacher's embedding of a whole recording, for `models.evaluate`."""

    def __init__(self, teacher: Network) -> None:
        self._teacher = teacher
        self.parameters = sum(parameter.numel() for parameter in teacher.parameters())

    def embed(self, waveform: Waveform) -> NDArray[np.float32] | None:
        """Map mono samples at 16 kHz in [-1, 1] to an embedding; None for less than MIN_FRAMES frames."""
        frames = log_mel(waveform)
        if len(frames) < MIN_FRAMES:
            return None
        with torch.inference_mode():
            embedding: NDArray[np.float32] = self._teacher.levels(torch.from_numpy(frames)[None]).embedding[0].numpy()
        return embedding
