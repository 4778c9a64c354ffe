"""The two ways to run a student: onnxruntime, and torch as the reference."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from models.encoder import Encoder, State, Step
from models.features import Frames
from models.metadata import check_metadata, check_shapes
from models.weights import Card, ModelFileError, read_card

# The wheels of onnxruntime report to their vendor unless told otherwise before they are loaded; what hears voices must not.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime


class OnnxEncoder:
    """A student as an ONNX step function: named state tensors in, the same out."""

    def __init__(self, card: Card, threads: int) -> None:
        self._session = open_session(card.file(".onnx"), threads)
        check_metadata(card, self._session.get_modelmeta().custom_metadata_map)
        check_shapes(card, self._session)
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._state_shapes = [tuple(node.shape[1:]) for node in self._session.get_inputs()[1:]]
        self.model_id = card.model_id
        self.step_frames = card.step_frames

    def initial_state(self) -> State:
        """See `Encoder`."""
        return tuple(np.zeros((1, *shape), dtype=np.float32) for shape in self._state_shapes)

    def step(self, frames: Frames, state: State) -> Step:
        """See `Encoder`."""
        embedding, *after = self._session.run(None, dict(zip(self._inputs, (frames, *state), strict=True)))
        return Step(tuple(after), embedding)


def open_session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return a session of an ONNX file, or of the content of one. Raises `ModelFileError` where onnxruntime cannot load it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the errors of onnxruntime have no other base
        what = model if isinstance(model, Path) else "the model"
        raise ModelFileError(f"onnxruntime {onnxruntime.__version__} cannot load {what}: {error}") from None


def load_encoder(model: str, backend: str, threads: int = 1) -> Encoder:
    """Return the model of that name, or of the card at that path, on a backend of `BACKENDS`.

    Raises `models.weights.ModelFileError` if its files are not as its card says, or the backend cannot run it.
    """
    return BACKENDS[backend](read_card(model), threads)


def _torch(card: Card, threads: int) -> Encoder:
    # Imported here because the runtime does without torch.
    from models.reference import TorchEncoder  # noqa: PLC0415

    return TorchEncoder(card, threads)


BACKENDS: dict[str, Callable[[Card, int], Encoder]] = {"onnxruntime": OnnxEncoder, "torch": _torch}
