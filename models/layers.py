"""Causal layers with explicit state: `layer(x, state) -> (y, state)`.

Tensors are (batch, time, channels) unless said otherwise. Feeding a sequence in pieces, each with the state that the piece
before returned, gives what feeding it whole gives, up to float rounding; output at a time never depends on later input.
A state is a tuple of tensors whose first axis is the batch; `initial_state(batch)` is the one before any input.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LayerState = tuple[Tensor, ...]

MAX_LOGIT: Final = 8.0
"""Attention logits are squashed into +-MAX_LOGIT, so that sums of their exponentials neither overflow nor need a running maximum."""


class StreamingLayer(nn.Module, ABC):
    """Base of layers with state. The shapes of one stream's state are fixed at construction."""

    def __init__(self, *state_shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.state_shapes = state_shapes

    def initial_state(self, batch: int = 1) -> LayerState:
        """Return the state before any input: zeros."""
        return tuple(torch.zeros(batch, *shape) for shape in self.state_shapes)

    @abstractmethod
    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Return the output for `x` and the state after it."""


class RunningMean(StreamingLayer):
    """Mean of all input so far, at each time; `prior_weight` frames of `prior` come before the input."""

    prior: Tensor

    def __init__(self, channels: int, prior_weight: float) -> None:
        super().__init__((channels,), (1,))
        self.prior_weight = prior_weight
        self.register_buffer("prior", torch.zeros(channels))

    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Return the mean at each time of `x`."""
        total, count = state
        x = x.float()  # Sums over time lose too much in the half precision that trains.
        totals = total[:, None] + torch.cumsum(x, dim=1)
        counts = count[:, None] + torch.ones_like(x[:, :, :1]).cumsum(dim=1)
        means = (totals + self.prior_weight * self.prior) / (counts + self.prior_weight)
        return means, (totals[:, -1], counts[:, -1])


class CausalConv1d(StreamingLayer):
    """Dilated convolution over the present and past; of `stride` frames, a number that each piece must hold a multiple of, one comes out.

    Written as one matrix product over the taps: steps of a few frames then run as a single large product for the whole batch.
    """

    def __init__(self, channels: int, out_channels: int, kernel: int, dilation: int, *, stride: int = 1) -> None:
        self.context = (kernel - 1) * dilation + 1 - stride
        super().__init__((self.context, channels))
        self.kernel, self.dilation, self.stride = kernel, dilation, stride
        self.linear = nn.Linear(kernel * channels, out_channels, bias=False)

    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Convolve `x`."""
        time = x.shape[1]
        # In the type of `x`: where training computes in 16 bits, a state in 32 would make all of it that.
        padded = torch.cat([state[0].to(x.dtype), x], dim=1)
        span = time + 1 - self.stride
        taps = [padded[:, i * self.dilation : i * self.dilation + span : self.stride] for i in range(self.kernel)]
        return self.linear(torch.cat(taps, dim=-1)), (padded[:, time:],)


class CausalConv2d(StreamingLayer):
    """3x3 convolution over (batch, channels, time, frequency) with strides; the time axis is causal.

    A piece must hold a multiple of `time_stride` frames.
    """

    def __init__(self, channels: int, out_channels: int, bins: int, *, time_stride: int = 1, frequency_stride: int = 1) -> None:
        super().__init__((channels, 3 - time_stride, bins))
        self.conv = nn.Conv2d(channels, out_channels, 3, stride=(time_stride, frequency_stride), padding=(0, 1), bias=False)

    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Convolve `x`, (batch, channels, time, frequency)."""
        padded = torch.cat([state[0].to(x.dtype), x], dim=2)
        return self.conv(padded), (padded[:, :, x.shape[2] :],)


class AttentiveStatistics(StreamingLayer):
    """Attention-weighted mean and standard deviation of each channel, as running sums.

    Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding", Interspeech 2018; with one attention per channel as in
    ECAPA-TDNN. The output, (batch, 2 * channels), covers all input so far.
    """

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__((channels,), (channels,), (channels,))
        self.attention = nn.Sequential(nn.Linear(channels, bottleneck), nn.Tanh(), nn.Linear(bottleneck, channels))

    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Return the statistics of all input so far, (batch, 2 * channels)."""
        x = x.float()
        weights = torch.exp(MAX_LOGIT * torch.tanh(self.attention(x).float() / MAX_LOGIT))
        weighted = weights * x
        sums = (weights, weighted, weighted * x)
        after = tuple(old + new.sum(dim=1) for old, new in zip(state, sums, strict=True))
        return statistics(after), after


def statistics(sums: LayerState) -> Tensor:
    """Return mean and standard deviation, (batch, 2 * channels), from sums of weights w, w x and w x^2."""
    weight, first, second = sums
    mean = first / weight
    variance = second / weight - mean.square()
    # Rounding can leave a constant channel slightly below zero, and the root has no gradient there.
    return torch.cat([mean, variance.clamp(min=1e-4).sqrt()], dim=-1)


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation over the last axis, whatever the axes before it."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x`, (..., channels)."""
        return super().forward(x.flatten(0, -2)).view_as(x)


class ContextMask(StreamingLayer):
    """Gates for `out_channels` by the mean of the past: squeeze-and-excitation (Hu et al., CVPR 2018) with a running context."""

    def __init__(self, channels: int, bottleneck: int, out_channels: int) -> None:
        mean = RunningMean(channels, prior_weight=0.0)
        super().__init__(*mean.state_shapes)
        self.mean = mean
        self.squeeze = nn.Linear(channels, bottleneck)
        self.excite = nn.Linear(bottleneck, out_channels)

    def forward(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Return the gates at each time of `x`, 0 to 1."""
        means, state = self.mean(x, state)
        return torch.sigmoid(self.excite(F.relu(self.squeeze(means)))), state


class Compensation(nn.Module):
    """Centres embeddings, (batch, size), and maps them by a matrix: the identity, until both are set."""

    mean: Tensor
    matrix: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("matrix", torch.eye(size))

    def reset(self) -> None:
        """Become the identity again."""
        self.mean.zero_()
        nn.init.eye_(self.matrix)

    def forward(self, x: Tensor) -> Tensor:
        """Return the compensated embeddings."""
        return (x - self.mean) @ self.matrix.T
