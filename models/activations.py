"""What the layers of a step function take in while it steps through recordings: what quantisation is calibrated by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.helper import make_tensor_value_info

from models.backends import open_session
from models.export import WEIGHTED
from models.features import Frames
from models.reference import STEP_FRAMES

# isort: split
# After `models.backends`, which tells onnxruntime to report to nobody.
import onnxruntime

BATCH: Final = 16
COVERED: Final = 99.75
"""Percent of the steps that a range covers: a few recordings, of digital silence above all, go far beyond all others."""

Values = NDArray[np.float32]
Summary = tuple[Values, Values, Values]
"""Of one step: the lowest and the highest value of each recording, (recordings,), and the mean of each channel, (channels,)."""


@dataclass(frozen=True)
class Seen:
    """What a layer took in: the range of its values, in which zero lies, and their mean for each channel, (channels,)."""

    low: float
    high: float
    mean: Values


def seen_inputs(model: onnx.ModelProto, recordings: Sequence[Frames]) -> dict[str, Seen]:
    """Return what each layer with weights takes in, by the layer's name; recordings: log-mel frames, (frames, 80), equally many."""
    layers = {node.name: node for node in model.graph.node if node.op_type in WEIGHTED}
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    tensors = {node.input[0] for node in layers.values()}
    observed.graph.output.extend(make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in sorted(tensors))
    session = open_session(observed.SerializeToString(), threads=1)
    steps = [
        {name: _summary(values[node.input[0]], 1 if node.op_type == "Conv" else -1) for name, node in layers.items()}
        for first in range(0, len(recordings), BATCH)
        for values in _steps(session, np.stack(recordings[first : first + BATCH]))
    ]
    return {name: _seen([step[name] for step in steps]) for name in layers}


def _steps(session: onnxruntime.InferenceSession, recordings: Frames) -> Iterator[Mapping[str, Values]]:
    """Yield all outputs by name at each step of recordings that are heard at once, (recordings, frames, 80)."""
    inputs, outputs = session.get_inputs(), [node.name for node in session.get_outputs()]
    state = [np.zeros((len(recordings), *node.shape[1:]), dtype=np.float32) for node in inputs[1:]]
    for frames in np.split(recordings, recordings.shape[1] // STEP_FRAMES, axis=1):
        values = session.run(None, dict(zip([node.name for node in inputs], [frames, *state], strict=True)))
        state = values[1 : 1 + len(state)]
        yield dict(zip(outputs, values, strict=True))


def _summary(values: Values, channels: int) -> Summary:
    """Return what is kept of a layer's input at one step, (recordings, ...), of which one axis is that of channels."""
    each = values.reshape(len(values), -1)
    return each.min(axis=1), each.max(axis=1), np.moveaxis(values, channels, -1).mean(axis=tuple(range(values.ndim - 1)))


def _seen(summaries: Sequence[Summary]) -> Seen:
    lowest, highest, means = zip(*summaries, strict=True)
    low, high = np.percentile(np.concatenate(lowest), 100.0 - COVERED), np.percentile(np.concatenate(highest), COVERED)
    return Seen(min(0.0, float(low)), max(0.0, float(high)), np.mean(means, axis=0))
