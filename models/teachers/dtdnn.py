"""D-TDNN, the densely connected x-vector, trained here.

Yu and Li, "Densely Connected Time Delay Neural Network for Speaker Verification", Interspeech 2020: each layer adds some channels to
those of all layers before it. CAM++ grew out of it.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.features import MEL_BINS
from models.levels import Levels, Network
from models.teachers.embedding import TeacherEmbedding
from models.teachers.layers import TimeDelay, centred, mean_and_deviation
from models.teachers.store import trained

CHANNELS: Final = 128
GROWTH: Final = 64
BLOCKS: Final = ((6, 1), (12, 3))
"""Layers and dilation of each densely connected block."""
EMBEDDING: Final = 512


class DTDNN(Network):
    """2.9 M parameters: two densely connected blocks, mean and standard deviation, and the embedding of 512 numbers."""

    frame_stride = 1

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [TimeDelay(MEL_BINS, CHANNELS, 5)]
        channels = CHANNELS
        for count, dilation in BLOCKS:
            layers += [_Dense(channels + index * GROWTH, dilation) for index in range(count)]
            channels += count * GROWTH
            layers.append(_Pointwise(channels, channels // 2))
            channels //= 2
        self.frame_level = nn.Sequential(*layers, nn.BatchNorm1d(channels), nn.ReLU())
        self.embedding = nn.Linear(2 * channels, EMBEDDING)

    def forward(self, frames: Tensor) -> Levels:
        """Map log-mel frames, (batch, time, 80), to frame (batch, time, 512), pooled (batch, 1024), embedding (batch, 512)."""
        hidden = self.frame_level(centred(frames))
        pooled = mean_and_deviation(hidden)
        return Levels(hidden.transpose(1, 2), pooled, self.embedding(pooled))


class _Pointwise(nn.Module):
    """Batch normalisation and ReLU, then a combination of channels."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.combine = nn.Conv1d(channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.combine(F.relu(self.norm(x)))
        return y


class _Dense(nn.Module):
    """A bottleneck and a time-delay layer, whose GROWTH channels are added to those that came in."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.bottleneck = _Pointwise(channels, CHANNELS)
        self.norm = nn.BatchNorm1d(CHANNELS)
        self.convolution = nn.Conv1d(CHANNELS, GROWTH, 3, dilation=dilation, padding=dilation, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.convolution(F.relu(self.norm(self.bottleneck(x))))], dim=1)


def untrained() -> DTDNN:
    """Return the network with random weights."""
    return DTDNN()


def load() -> DTDNN:
    """Return it as it was trained here, in evaluation mode. Raises `TeacherError` where it was not."""
    network = DTDNN()
    network.load_state_dict(trained("dtdnn"))
    return network.eval().requires_grad_(False)


def embedding() -> TeacherEmbedding:
    """Return it as an embedding to measure."""
    return TeacherEmbedding(load())
