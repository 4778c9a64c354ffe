"""A student of bottlenecked TDNN blocks, trained from random weights.

A short stack of 2-D convolutions (as the heads of CAM++ and ReDimNet have) reads local spectral patterns and halves the frame
rate; bottlenecked TDNN blocks, each gated by a running context, follow; the outputs of the middle and the last block are
pooled together. Nothing looks ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.features import MEL_BINS
from models.layers import BatchNorm, CausalConv1d, CausalConv2d, ContextMask
from models.student.network import TIME_STRIDE, StateWalk, Student


@dataclass(frozen=True)
class BottleneckConfig:
    """Sizes. `prior_frames`: weight of the prior mean against the frames heard, in frames of 10 ms."""

    stem: tuple[int, int, int] = (16, 24, 32)
    channels: int = 160
    bottleneck: int = 80
    context: int = 20
    dilations: tuple[int, ...] = (1, 2, 3, 1, 2, 3, 4, 1)
    attention: int = 48
    embedding: int = 192
    prior_frames: float = 100.0


class BottleneckStudent(Student):
    """Its frame level is (batch, time / 2, 2 * config.channels)."""

    def __init__(self, config: BottleneckConfig) -> None:
        super().__init__(config)
        self.stem = _Stem(config)
        self.blocks = nn.ModuleList(_Block(config, dilation) for dilation in config.dilations)
        self._pool_over(2 * config.channels, config.attention, config.embedding)

    def frame_level(self, frames: Tensor, states: StateWalk) -> Tensor:
        """See `Student`."""
        hidden = self.stem(frames, states)
        outputs = []
        for block in self.blocks:
            hidden = block(hidden, states)
            outputs.append(hidden)
        return torch.cat([outputs[len(outputs) // 2 - 1], hidden], dim=-1)


class _Stem(nn.Module):
    """(batch, time, 80) to (batch, time / 2, channels)."""

    def __init__(self, config: BottleneckConfig) -> None:
        super().__init__()
        first, second, third = config.stem
        self.halve = CausalConv2d(1, first, MEL_BINS, time_stride=TIME_STRIDE, frequency_stride=2)
        self.halve_norm = nn.BatchNorm2d(first)
        self.quarter = CausalConv2d(first, second, MEL_BINS // 2, frequency_stride=2)
        self.quarter_norm = nn.BatchNorm2d(second)
        self.residual = CausalConv2d(second, second, MEL_BINS // 4)
        self.residual_norm = nn.BatchNorm2d(second)
        self.eighth = CausalConv2d(second, third, MEL_BINS // 4, frequency_stride=2)
        self.eighth_norm = nn.BatchNorm2d(third)
        self.project = nn.Linear(third * MEL_BINS // 8, config.channels, bias=False)
        self.project_norm = BatchNorm(config.channels)

    def forward(self, frames: Tensor, states: StateWalk) -> Tensor:
        x = F.relu(self.halve_norm(states.through(self.halve, frames.unsqueeze(1))))
        x = F.relu(self.quarter_norm(states.through(self.quarter, x)))
        x = F.relu(x + self.residual_norm(states.through(self.residual, x)))
        x = F.relu(self.eighth_norm(states.through(self.eighth, x)))
        return F.relu(self.project_norm(self.project(x.transpose(1, 2).flatten(2))))


class _Block(nn.Module):
    """Residual TDNN block with a bottleneck: 1x1, dilated k3, context mask, 1x1."""

    def __init__(self, config: BottleneckConfig, dilation: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(config.channels, config.bottleneck, bias=False)
        self.narrow_norm = BatchNorm(config.bottleneck)
        self.tdnn = CausalConv1d(config.bottleneck, config.bottleneck, 3, dilation)
        self.tdnn_norm = BatchNorm(config.bottleneck)
        self.mask = ContextMask(config.bottleneck, config.context, config.bottleneck)
        self.widen = nn.Linear(config.bottleneck, config.channels, bias=False)
        self.widen_norm = BatchNorm(config.channels)

    def forward(self, x: Tensor, states: StateWalk) -> Tensor:
        y = F.relu(self.narrow_norm(self.narrow(x)))
        y = F.relu(self.tdnn_norm(states.through(self.tdnn, y)))
        y = y * states.through(self.mask, y)
        return F.relu(x + self.widen_norm(self.widen(y)))
