"""Each layer with state: causal, and the same whatever the pieces."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.layers import AttentiveStatistics, CausalConv1d, CausalConv2d, ContextMask, LayerState, RunningMean, StreamingLayer, statistics

TIME = 24
TOLERANCE = 1e-5
"""Sums are rounded in another order when the input comes in pieces."""

LAYERS: dict[str, tuple[StreamingLayer, tuple[int, ...], int]] = {
    "running mean": (RunningMean(5, prior_weight=3.0), (2, TIME, 5), 1),
    "dilated convolution": (CausalConv1d(5, 7, kernel=3, dilation=4), (2, TIME, 5), 1),
    "2-D convolution": (CausalConv2d(3, 4, bins=6, frequency_stride=2), (2, 3, TIME, 6), 2),
    "halving 2-D convolution": (CausalConv2d(3, 4, bins=6, time_stride=2), (2, 3, TIME, 6), 2),
    "halving convolution": (CausalConv1d(5, 7, kernel=5, dilation=1, stride=2), (2, TIME, 5), 1),
    "context mask": (ContextMask(5, bottleneck=3, out_channels=4), (2, TIME, 5), 1),
}
"""Layer, shape of its input, and the axis of time."""

every_layer = pytest.mark.parametrize(("layer", "shape", "axis"), LAYERS.values(), ids=LAYERS.keys())


def _run(layer: StreamingLayer, x: Tensor, axis: int, pieces: list[int]) -> tuple[Tensor, LayerState]:
    state, outputs = layer.initial_state(2), []
    with torch.inference_mode():
        for piece in torch.split(x, pieces, dim=axis):
            y, state = layer(piece, state)
            outputs.append(y)
    return torch.cat(outputs, dim=axis), state


@every_layer
@pytest.mark.parametrize("pieces", [[2] * 12, [8, 8, 8], [2, 22], [16, 6, 2]])
def test_pieces_equal_the_whole(layer: StreamingLayer, shape: tuple[int, ...], axis: int, pieces: list[int]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    whole, state = _run(layer, x, axis, [TIME])
    streamed, streamed_state = _run(layer, x, axis, pieces)
    torch.testing.assert_close(streamed, whole, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(streamed_state, state, rtol=0, atol=TOLERANCE)


@every_layer
def test_output_of_a_prefix_is_the_prefix_of_the_output(layer: StreamingLayer, shape: tuple[int, ...], axis: int) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    whole, _ = _run(layer, x, axis, [TIME])
    prefix, _ = _run(layer, x.narrow(axis, 0, TIME // 2), axis, [TIME // 2])
    torch.testing.assert_close(prefix, whole.narrow(axis, 0, prefix.shape[axis]), rtol=0, atol=TOLERANCE)


def test_running_mean_starts_from_its_prior() -> None:
    layer = RunningMean(1, prior_weight=2.0)
    layer.prior.fill_(10.0)
    means, _ = layer(torch.tensor([[[1.0], [4.0]]]), layer.initial_state())
    assert means.flatten().tolist() == pytest.approx([(20 + 1) / 3, (20 + 5) / 4])


def test_convolution_matches_torch() -> None:
    layer = CausalConv1d(5, 7, kernel=3, dilation=2)
    x = torch.randn(2, TIME, 5, generator=torch.Generator().manual_seed(3))
    weight = layer.linear.weight.view(7, 3, 5).transpose(1, 2)
    padded = torch.nn.functional.pad(x.transpose(1, 2), (layer.context, 0))
    expected = torch.nn.functional.conv1d(padded, weight, dilation=2).transpose(1, 2)
    torch.testing.assert_close(_run(layer, x, 1, [TIME])[0], expected.detach(), rtol=0, atol=TOLERANCE)


def test_attentive_statistics_are_the_weighted_mean_and_deviation_of_all_input() -> None:
    layer = AttentiveStatistics(4, bottleneck=3)
    x = torch.randn(2, TIME, 4, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        pooled, _ = layer(x, layer.initial_state(2))
        weights = torch.softmax(8.0 * torch.tanh(layer.attention(x) / 8.0), dim=1)
    mean = (weights * x).sum(dim=1)
    deviation = (weights * (x - mean[:, None]).square()).sum(dim=1).sqrt()
    torch.testing.assert_close(pooled, torch.cat([mean, deviation], dim=-1), rtol=0, atol=1e-4)


def test_attentive_statistics_do_not_depend_on_the_pieces() -> None:
    layer = AttentiveStatistics(4, bottleneck=3)
    x = torch.randn(2, TIME, 4, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        whole, _ = layer(x, layer.initial_state(2))
        state = layer.initial_state(2)
        for piece in torch.split(x, 5, dim=1):
            _, state = layer(piece, state)
    torch.testing.assert_close(statistics(state), whole, rtol=0, atol=1e-4)


def test_attention_cannot_overflow() -> None:
    layer = AttentiveStatistics(4, bottleneck=3)
    with torch.inference_mode():
        for parameter in layer.attention.parameters():
            parameter.fill_(1e6)
        pooled, _ = layer(torch.ones(1, 100, 4), layer.initial_state())
    assert torch.isfinite(pooled).all()
