"""The student: a small causal x-vector encoder that carries its state from frame to frame.

A short stack of 2-D convolutions (as the heads of CAM++ and ReDimNet have) reads local spectral patterns and halves the frame
rate; bottlenecked TDNN blocks, each gated by a running context, follow; the outputs of the middle and the last block are
pooled together by attentive statistics. Nothing looks ahead.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.features import MEL_BINS
from models.layers import (
    AttentiveStatistics,
    BatchNorm,
    CausalConv1d,
    CausalConv2d,
    ContextMask,
    LayerState,
    RunningMean,
    StreamingLayer,
    statistics,
)
from models.levels import Levels, Network

TIME_STRIDE = 2
"""Log-mel frames (10 ms) per frame of the encoder (20 ms)."""


@dataclass(frozen=True)
class StudentConfig:
    """Sizes of a student. `prior_frames`: weight of the prior mean against the frames heard, in frames of 10 ms."""

    stem: tuple[int, int, int] = (16, 24, 32)
    channels: int = 160
    bottleneck: int = 80
    context: int = 20
    dilations: tuple[int, ...] = (1, 2, 3, 1, 2, 3, 4, 1)
    attention: int = 48
    embedding: int = 192
    prior_frames: float = 100.0

    def as_dict(self) -> dict[str, object]:
        """Return the sizes as plain values, for a checkpoint or a card."""
        return asdict(self)


EDGE = StudentConfig()
"""At most 0.62 M parameters: 91 % smaller than CAM++."""
BASE = StudentConfig(stem=(24, 32, 48), channels=256, bottleneck=128, context=32, dilations=(1, 2, 3, 1, 2, 3, 4, 1, 2), attention=64)
"""At most 1.71 M parameters: 75 % smaller than CAM++."""
CONFIGS = {"edge": EDGE, "base": BASE}


class Encoded(NamedTuple):
    """Frame-level output of a piece of audio, (batch, time / 2, channels), and the state after it."""

    frame: Tensor
    state: LayerState


class Student(Network):
    """`encode(frames, state) -> (frame level, state)`; `pooled(state)` and `embed(state)` at any time after the first frame."""

    frame_stride = TIME_STRIDE

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config = config
        self.centre = RunningMean(MEL_BINS, config.prior_frames)
        self.stem = _Stem(config)
        self.blocks = nn.ModuleList(_Block(config, dilation) for dilation in config.dilations)
        self.pool = AttentiveStatistics(2 * config.channels, config.attention)
        self.embedding = nn.Linear(4 * config.channels, config.embedding, bias=False)
        self.embedding_norm = BatchNorm(config.embedding, affine=False)

    @property
    def layers(self) -> list[StreamingLayer]:
        """The layers with state, in the order of their parts in the state."""
        inner = [layer for part in (self.stem, *self.blocks) for layer in part.children() if isinstance(layer, StreamingLayer)]
        return [self.centre, *inner, self.pool]

    def initial_state(self, batch: int = 1) -> LayerState:
        """Return the state before any frame, for `batch` streams: a flat tuple of tensors."""
        return tuple(part for layer in self.layers for part in layer.initial_state(batch))

    def encode(self, frames: Tensor, state: LayerState) -> Encoded:
        """Advance by log-mel frames, (batch, time, 80), time a multiple of 2."""
        states = _States(state)
        means = states.through(self.centre, frames)
        hidden = self.stem(frames - means, states)
        outputs = []
        for block in self.blocks:
            hidden = block(hidden, states)
            outputs.append(hidden)
        frame = torch.cat([outputs[len(outputs) // 2 - 1], hidden], dim=-1)
        states.through(self.pool, frame)
        return Encoded(frame, states.after)

    def pooled(self, state: LayerState) -> Tensor:
        """Return the statistics of all frames since the initial state, (batch, 4 * channels)."""
        return statistics(state[-3:])

    def embed(self, state: LayerState) -> Tensor:
        """Return the embedding of all frames since the initial state, (batch, size), not normalised to unit length."""
        embedding: Tensor = self.embedding_norm(self.embedding(self.pooled(state)))
        return embedding

    def levels(self, frames: Tensor) -> Levels:
        """Return the levels of whole utterances, as a teacher does: frame (batch, time / 2, 2 * channels), pooled, embedding."""
        encoded = self.encode(frames, self.initial_state(len(frames)))
        return Levels(encoded.frame, self.pooled(encoded.state), self.embed(encoded.state))

    def forward(self, frames: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Step: return the embedding so far and the state after `frames`."""
        state = self.encode(frames, state).state
        return self.embed(state), state


class _States:
    """Hands each layer its part of the flat state, in order, and collects what it returns."""

    def __init__(self, state: LayerState) -> None:
        self._before = state
        self.after: LayerState = ()

    def through(self, layer: StreamingLayer, x: Tensor) -> Tensor:
        start = len(self.after)
        y: Tensor
        y, after = layer(x, self._before[start : start + len(layer.state_shapes)])
        self.after += after
        return y


class _Stem(nn.Module):
    """(batch, time, 80) to (batch, time / 2, channels)."""

    def __init__(self, config: StudentConfig) -> None:
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

    def forward(self, frames: Tensor, states: _States) -> Tensor:
        x = F.relu(self.halve_norm(states.through(self.halve, frames.unsqueeze(1))))
        x = F.relu(self.quarter_norm(states.through(self.quarter, x)))
        x = F.relu(x + self.residual_norm(states.through(self.residual, x)))
        x = F.relu(self.eighth_norm(states.through(self.eighth, x)))
        return F.relu(self.project_norm(self.project(x.transpose(1, 2).flatten(2))))


class _Block(nn.Module):
    """Residual TDNN block with a bottleneck: 1x1, dilated k3, context mask, 1x1."""

    def __init__(self, config: StudentConfig, dilation: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(config.channels, config.bottleneck, bias=False)
        self.narrow_norm = BatchNorm(config.bottleneck)
        self.tdnn = CausalConv1d(config.bottleneck, config.bottleneck, 3, dilation)
        self.tdnn_norm = BatchNorm(config.bottleneck)
        self.mask = ContextMask(config.bottleneck, config.context)
        self.widen = nn.Linear(config.bottleneck, config.channels, bias=False)
        self.widen_norm = BatchNorm(config.channels)

    def forward(self, x: Tensor, states: _States) -> Tensor:
        y = F.relu(self.narrow_norm(self.narrow(x)))
        y = F.relu(self.tdnn_norm(states.through(self.tdnn, y)))
        y = states.through(self.mask, y)
        return F.relu(x + self.widen_norm(self.widen(y)))
