"""A student made of its teacher's own first layers, causal, that begins with the teacher's weights.

The 2-D convolutional head of CAM++, its first TDNN, its first dense block and some layers of the second (Wang et al., arXiv 2303.00332),
with convolutions over the present and past alone and context masks over a running mean. What the layers that are left out did is
learned by distillation, as Sanh et al. did with every other layer ("DistilBERT", arXiv 1910.01108). Nothing looks ahead.
`models.student.inheritance` hands the weights over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.features import MEL_BINS
from models.layers import BatchNorm, CausalConv1d, CausalConv2d, ContextMask
from models.student.network import TIME_STRIDE, StateWalk, Student
from models.teachers.campplus import BOTTLENECK, GROWTH

HEAD: Final = 32
"""Channels of the head."""
FIRST: Final = 128
"""Channels of the first TDNN."""


@dataclass(frozen=True)
class DenseConfig:
    """Sizes: dense layers before and after the transition, dilated by 1 and 2; see `BottleneckConfig` for the others."""

    layers: tuple[int, int] = (12, 5)
    attention: int = 48
    embedding: int = 192
    prior_frames: float = 100.0


class DenseStudent(Student):
    """Its frame level is (batch, time / 2, half of what the first block ends with, and GROWTH for each layer of the second)."""

    def __init__(self, config: DenseConfig) -> None:
        super().__init__(config)
        before, after = config.layers
        widest = FIRST + before * GROWTH
        self.head = _Head()
        self.tdnn = CausalConv1d(HEAD * MEL_BINS // 8, FIRST, 5, 1, stride=TIME_STRIDE)
        self.tdnn_norm = BatchNorm(FIRST)
        self.block1 = nn.ModuleList(_DenseLayer(FIRST + i * GROWTH, 1) for i in range(before))
        self.norm1 = BatchNorm(widest)
        self.transition = nn.Linear(widest, widest // 2, bias=False)
        self.block2 = nn.ModuleList(_DenseLayer(widest // 2 + i * GROWTH, 2) for i in range(after))
        channels = widest // 2 + after * GROWTH
        self.norm2 = BatchNorm(channels)
        self._pool_over(channels, config.attention, config.embedding)

    def frame_level(self, frames: Tensor, states: StateWalk) -> Tensor:
        """See `Student`."""
        x = self.head(frames, states).transpose(1, 2).flatten(2)
        x = F.relu(self.tdnn_norm(states.through(self.tdnn, x)))
        for layer in self.block1:
            x = torch.cat([x, layer(x, states)], dim=-1)
        x = self.transition(F.relu(self.norm1(x)))
        for layer in self.block2:
            x = torch.cat([x, layer(x, states)], dim=-1)
        return F.relu(self.norm2(x))


class _DenseLayer(nn.Module):
    """Norm, 1x1 to a bottleneck, and a dilated k3 convolution that is masked by the running context."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.norm = BatchNorm(channels)
        self.narrow = nn.Linear(channels, BOTTLENECK, bias=False)
        self.narrow_norm = BatchNorm(BOTTLENECK)
        self.tdnn = CausalConv1d(BOTTLENECK, GROWTH, 3, dilation)
        self.mask = ContextMask(BOTTLENECK, BOTTLENECK // 2, GROWTH)

    def forward(self, x: Tensor, states: StateWalk) -> Tensor:
        y = F.relu(self.narrow_norm(self.narrow(F.relu(self.norm(x)))))
        return states.through(self.tdnn, y) * states.through(self.mask, y)


class _Head(nn.Module):
    """Residual 2-D convolutions, (batch, time, 80) to (batch, 32, time, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = CausalConv2d(1, HEAD, MEL_BINS)
        self.conv1_norm = nn.BatchNorm2d(HEAD)
        self.residuals = nn.ModuleList(_Residual(bins, stride) for bins, stride in ((80, 2), (40, 1), (40, 2), (20, 1)))
        self.conv2 = CausalConv2d(HEAD, HEAD, MEL_BINS // 4, frequency_stride=2)
        self.conv2_norm = nn.BatchNorm2d(HEAD)

    def forward(self, frames: Tensor, states: StateWalk) -> Tensor:
        x = F.relu(self.conv1_norm(states.through(self.conv1, frames.unsqueeze(1))))
        for residual in self.residuals:
            x = residual(x, states)
        return F.relu(self.conv2_norm(states.through(self.conv2, x)))


class _Residual(nn.Module):
    def __init__(self, bins: int, stride: int) -> None:
        super().__init__()
        self.conv1 = CausalConv2d(HEAD, HEAD, bins, frequency_stride=stride)
        self.conv1_norm = nn.BatchNorm2d(HEAD)
        self.conv2 = CausalConv2d(HEAD, HEAD, bins // stride)
        self.conv2_norm = nn.BatchNorm2d(HEAD)
        self.shortcut = nn.Conv2d(HEAD, HEAD, 1, stride=(1, stride), bias=False) if stride > 1 else nn.Identity()
        self.shortcut_norm = nn.BatchNorm2d(HEAD) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor, states: StateWalk) -> Tensor:
        y = F.relu(self.conv1_norm(states.through(self.conv1, x)))
        y = self.conv2_norm(states.through(self.conv2, y))
        return F.relu(y + self.shortcut_norm(self.shortcut(x)))
