from __future__ import annotations

import numpy as np
import onnx
import pytest

from models.activations import Seen, seen_inputs
from models.features import Frames
from models.quantise import CALIBRATION_FRAMES
from models.weights import read_card


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(read_card("edge").file(".onnx"))


def _noises(count: int) -> list[Frames]:
    random = np.random.default_rng(1)
    return [(random.normal(0.0, 3.0, (CALIBRATION_FRAMES, 80)) - 8.0).astype(np.float32) for _ in range(count)]


@pytest.fixture(scope="module")
def seen(model: onnx.ModelProto) -> dict[str, Seen]:
    return seen_inputs(model, _noises(10))


def test_all_layers_with_weights_are_seen_with_all_their_channels(model: onnx.ModelProto, seen: dict[str, Seen]) -> None:
    weights = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    inputs = {
        node.name: weights[node.input[1]][0 if node.op_type == "MatMul" else 1]
        for node in model.graph.node
        if node.op_type in {"Conv", "Gemm", "MatMul"}
    }
    assert {name: layer.mean.size for name, layer in seen.items()} == inputs


def test_what_a_rectifier_gives_has_no_negative_values(seen: dict[str, Seen]) -> None:
    narrow = seen["blocks.0.narrow"]
    assert narrow.low == 0.0 < narrow.high
    assert 0.0 <= narrow.mean.min() < narrow.mean.max() < narrow.high


def test_frames_are_seen_without_their_mean(seen: dict[str, Seen]) -> None:
    halve = seen["stem.halve.conv"]
    assert halve.low < -6.0
    assert halve.high > 6.0
    # The prior, and not yet the mean of this noise, is what is subtracted first.
    assert abs(halve.mean[0]) < 1.0


def test_a_few_steps_do_not_set_a_range(model: onnx.ModelProto) -> None:
    usual = _noises(20)
    odd = [frames.copy() for frames in usual]
    odd[0][-8:] = 40.0
    first, second = (seen_inputs(model, recordings)["stem.halve.conv"].high for recordings in (usual, odd))
    assert second == pytest.approx(first, rel=0.1)
    assert seen_inputs(model, odd[:1])["stem.halve.conv"].high > 1.5 * first
