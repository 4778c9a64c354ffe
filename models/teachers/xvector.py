"""The classic x-vector, trained here.

Snyder et al., "X-Vectors: Robust DNN Embeddings for Speaker Recognition", ICASSP 2018, with log-mel frames for MFCCs, as all our networks
have. The embedding is the first layer after the pooling; the second one and the classifier serve training alone and are left out.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from models.features import MEL_BINS
from models.levels import Levels, Network
from models.teachers.embedding import TeacherEmbedding
from models.teachers.layers import TimeDelay, centred, mean_and_deviation
from models.teachers.store import trained

CHANNELS: Final = 512
FRAME_CHANNELS: Final = 1500


class XVector(Network):
    """4.3 M parameters: five time-delay layers, mean and standard deviation, and the embedding of 512 numbers."""

    frame_stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.frame_level = nn.Sequential(
            TimeDelay(MEL_BINS, CHANNELS, 5),
            TimeDelay(CHANNELS, CHANNELS, 3, dilation=2),
            TimeDelay(CHANNELS, CHANNELS, 3, dilation=3),
            TimeDelay(CHANNELS, CHANNELS, 1),
            TimeDelay(CHANNELS, FRAME_CHANNELS, 1),
        )
        self.embedding = nn.Linear(2 * FRAME_CHANNELS, CHANNELS)

    def forward(self, frames: Tensor) -> Levels:
        """Map log-mel frames, (batch, time, 80), to frame (batch, time, 1500), pooled (batch, 3000), embedding (batch, 512)."""
        hidden = self.frame_level(centred(frames))
        pooled = mean_and_deviation(hidden)
        return Levels(hidden.transpose(1, 2), pooled, self.embedding(pooled))


def untrained() -> XVector:
    """Return the network with random weights."""
    return XVector()


def load() -> XVector:
    """Return it as it was trained here, in evaluation mode. Raises `TeacherError` where it was not."""
    network = XVector()
    network.load_state_dict(trained("xvector"))
    return network.eval().requires_grad_(False)


def embedding() -> TeacherEmbedding:
    """Return it as an embedding to measure."""
    return TeacherEmbedding(load())
