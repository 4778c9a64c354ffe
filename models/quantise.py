"""`python -m models.quantise NAME --data DIR`: write a model with 8-bit weights as NAME-int8.onnx and its card NAME-int8.json.

The quantisation is static: every scale is fixed beforehand, by training audio, so that what a stream gives depends neither on how it
is cut nor on who shares its batch. The dense and TDNN layers compute in 8 bits. Convolutions, the attention of the pooling and the
embedding store 8-bit weights and compute in floats, since little or nothing after them averages their errors away; their biases make
up for what rounded weights make of the mean input. Residuals, running means, sums and statistics are floats as before. Nagel et al.,
"A White Paper on Neural Network Quantization" (arXiv 2106.08295).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.helper import make_node
from onnx.numpy_helper import from_array, to_array

from models.activations import Seen, seen_inputs
from models.audio import read_audio
from models.export import WEIGHTED, write_card, write_model
from models.features import Frames, log_mel
from models.manifest import ManifestError, read_manifest
from models.weights import Card, ModelFileError, read_card

SUFFIX: Final = "-int8"
BIASED: Final = ("Conv", "Gemm")
"""Operations that add a bias, whose weights have the outputs as their first axis."""
CALIBRATION_FRAMES: Final = 320
"""Frames of each recording that are heard: its first 3.2 s."""

Constants = dict[str, NDArray[Any]]


class CalibrationError(ValueError):
    """There is nothing to calibrate by; the message says what is missing."""


def calibration_frames(data: Path, count: int, seed: int) -> list[Frames]:
    """Return the first `CALIBRATION_FRAMES` log-mel frames of random recordings of `data`/train.tsv, each (frames, 80).

    Raises `ManifestError` for a malformed manifest, `CalibrationError` where no recording is long enough.
    """
    recordings = read_manifest(data / "train.tsv", data)
    chosen: list[Frames] = []
    for index in np.random.default_rng(seed).permutation(len(recordings)):
        frames = log_mel(read_audio(recordings[index].path))
        if len(frames) >= CALIBRATION_FRAMES:
            chosen.append(frames[:CALIBRATION_FRAMES])
        if len(chosen) == count:
            break
    if not chosen:
        raise CalibrationError(f"{data / 'train.tsv'} lists no recording of {CALIBRATION_FRAMES / 100} s or more")
    return chosen


def quantise(card: Card, recordings: Sequence[Frames], directory: Path) -> Path:
    """Write the 8-bit form of a model into `directory`, calibrated on these recordings; return the path of its card.

    Raises `ModelFileError` where the model's file is not as its card says.
    """
    model = onnx.load(card.file(".onnx"))
    _quantise_graph(model.graph, seen_inputs(model, recordings))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{card.path.stem}{SUFFIX}.onnx"
    facts = _described(card, model)
    write_model(model, facts, path)
    write_card(facts, [path])
    return path.with_suffix(".json")


def _computes_in_integers(node: onnx.NodeProto) -> bool:
    return node.op_type == "MatMul" and not node.name.startswith("pool.")


def _quantise_graph(graph: onnx.GraphProto, seen: Mapping[str, Seen]) -> None:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type in WEIGHTED:
            weight = constants[node.input[1]]
            exact = to_array(weight)
            rounded, scale = _rounded(exact, axis=1 if node.op_type == "MatMul" else 0)
            graph.initializer.remove(weight)
            if _computes_in_integers(node):
                added, values = _integer_inputs(node, rounded, scale, seen[node.name])
            else:
                added, values = _small_weights(node, rounded, scale)
            if node.op_type in BIASED:
                _correct_bias(constants[node.input[2]], rounded * scale - exact, seen[node.name].mean)
            nodes += added
            graph.initializer.extend(from_array(value, name) for name, value in values.items())
        nodes.append(node)
    # Copied before the originals go: they belong to the graph.
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(nodes)


def _rounded(weights: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return weights in 8 bits and their scales: one for each channel of `axis`, in the weights' number of axes."""
    others = tuple(other for other in range(weights.ndim) if other != axis)
    scale = np.abs(weights).max(axis=others, keepdims=True) / np.float32(127)
    scale[scale == 0.0] = 1.0
    return np.rint(weights / scale).astype(np.int8), scale


def _correct_bias(bias: onnx.TensorProto, errors: NDArray[np.float32], mean: NDArray[np.float32]) -> None:
    """Take what the errors of weights, (out, in, ...), make of the mean input, (in,), out of a bias, (out,)."""
    shift = errors.reshape(*errors.shape[:2], -1).sum(axis=2) @ mean
    bias.CopyFrom(from_array((to_array(bias) - shift).astype(np.float32), bias.name))


def _integer_inputs(
    node: onnx.NodeProto, weights: NDArray[np.int8], scale: NDArray[np.float32], seen: Seen
) -> tuple[list[onnx.NodeProto], Constants]:
    """Let a matrix product take both its inputs from 8 bits: onnxruntime makes that one product of integers. Return what is added."""
    step = np.float32((seen.high - seen.low) / 255 or 1.0)
    input_scale, input_zero, input_8, taken = (f"{node.name}.{part}" for part in ("input_scale", "input_zero", "input_8", "input"))
    weight_scale, weight_zero, weight_8, weight = (f"{node.name}.{part}" for part in ("scale", "zero", "weight_8", "weight"))
    added = [
        make_node("QuantizeLinear", [node.input[0], input_scale, input_zero], [input_8]),
        make_node("DequantizeLinear", [input_8, input_scale, input_zero], [taken]),
        make_node("DequantizeLinear", [weight_8, weight_scale, weight_zero], [weight], axis=1),
    ]
    node.input[:] = [taken, weight]
    # Signed weights overflow the 16-bit sums of processors without VNNI; with unsigned ones, every processor gives the same.
    return added, {
        input_scale: np.array(step),
        input_zero: np.array(np.rint(-seen.low / step), dtype=np.uint8),
        weight_8: (weights.astype(np.int16) + 128).astype(np.uint8),
        weight_scale: scale.ravel(),
        weight_zero: np.full(scale.size, 128, dtype=np.uint8),
    }


def _small_weights(node: onnx.NodeProto, weights: NDArray[np.int8], scale: NDArray[np.float32]) -> tuple[list[onnx.NodeProto], Constants]:
    """Let a layer's weights come from 8 bits; onnxruntime makes them floats once, when it loads the graph and folds constants."""
    small, cast, scales, weight = (f"{node.name}.{part}" for part in ("weight_8", "weight_cast", "scale", "weight"))
    node.input[1] = weight
    added = [make_node("Cast", [small], [cast], to=onnx.TensorProto.FLOAT), make_node("Mul", [cast, scales], [weight])]
    return added, {small: weights, scales: scale}


def _described(card: Card, model: onnx.ModelProto) -> dict[str, Any]:
    content = hashlib.sha256()
    for tensor in sorted(model.graph.initializer, key=lambda tensor: tensor.name):
        content.update(tensor.SerializeToString(deterministic=True))
    weights = content.hexdigest()
    name = f"{card.path.stem}{SUFFIX}"
    return {**card.facts, "model_id": f"{name}-{weights[:12]}", "weights_sha256": weights, "quantised_from": card.model_id}


@click.command()
@click.argument("name")
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True, help="Directory of train.tsv.")
@click.option("--recordings", type=click.IntRange(min=1), default=400, show_default=True, help="How many calibrate the scales.")
@click.option("--seed", default=1, show_default=True, help="Which recordings they are.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Where the files go: beside the model's own.")
def main(name: str, data: Path, recordings: int, seed: int, output: Path | None) -> None:
    """Write the 8-bit form of NAME, a shipped model or the path of a card."""
    try:
        card = read_card(name)
        if "quantised_from" in card.facts:
            raise click.ClickException(f"{name} is an 8-bit model already")
        written = quantise(card, calibration_frames(data, recordings, seed), output or card.path.parent)
    except (CalibrationError, ManifestError, ModelFileError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{written}: {written.with_suffix('.onnx').stat().st_size:,} bytes of {card.file('.onnx').stat().st_size:,}")


if __name__ == "__main__":
    main()
