"""What the time-delay networks trained here are made of. Tensors are (batch, channels, time)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def centred(frames: Tensor) -> Tensor:
    """Subtract the mean over time from log-mel frames, (batch, time, 80); return them as (batch, 80, time)."""
    return (frames - frames.mean(dim=1, keepdim=True)).transpose(1, 2)


def mean_and_deviation(hidden: Tensor) -> Tensor:
    """Pool over time: (batch, 2 * channels)."""
    hidden = hidden.float()  # Sums over time lose too much in the half precision that trains.
    return torch.cat([hidden.mean(dim=-1), hidden.std(dim=-1)], dim=-1)


class TimeDelay(nn.Module):
    """A dilated convolution over time, then ReLU and batch normalisation; as many frames come out as go in."""

    def __init__(self, channels: int, out_channels: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, out_channels, kernel, dilation=dilation, padding=dilation * (kernel // 2))
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, time) to (batch, out_channels, time)."""
        y: Tensor = self.norm(F.relu(self.convolution(x)))
        return y
