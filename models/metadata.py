"""The facts of a card inside its ONNX file, so that a file tells what it is wherever it goes; checked on load."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Final, Protocol

from models.features import MEL_BINS
from models.weights import Card, ModelFileError

FACTS: Final = (
    "model_id",
    "weights_sha256",
    "training_data_sha256",
    "normalisation_prior",
    "parameters",
    "embedding_size",
    "step_frames",
)
"""What of a card its file says too: as JSON, under these names after `PREFIX`."""
PREFIX: Final = "speakerd."


class Node(Protocol):
    """An input or output as onnxruntime describes it."""

    name: str
    shape: list[int | str]


class Session(Protocol):
    """The part of onnxruntime's `InferenceSession` that tells what a file holds."""

    def get_inputs(self) -> Sequence[Node]:
        """Return the inputs in order."""
        ...

    def get_outputs(self) -> Sequence[Node]:
        """Return the outputs in order."""
        ...


def metadata_of(facts: Mapping[str, object]) -> dict[str, str]:
    """Return the metadata properties of the file that a card with these facts describes."""
    return {PREFIX + name: json.dumps(facts.get(name)) for name in FACTS}


def check_metadata(card: Card, found: Mapping[str, str]) -> None:
    """Raise `ModelFileError` unless the metadata properties of a card's file say what the card says."""
    file = card.path.with_suffix(".onnx")
    for key, expected in metadata_of(card.facts).items():
        name = key.removeprefix(PREFIX)
        if key not in found:
            raise ModelFileError(f"{file} does not say its {name}: export the model again")
        if found[key] != expected:
            says = f"says {name} = {_short(found[key])}, {card.path.name} says {_short(expected)}"
            raise ModelFileError(f"{file} {says}: they are of different models, export the model again")


def check_shapes(card: Card, session: Session) -> None:
    """Raise `ModelFileError` unless a session is a step function: (frames, *state) to (embedding, *state), of the card's sizes."""
    inputs, outputs = ([(node.name, node.shape[1:]) for node in nodes] for nodes in (session.get_inputs(), session.get_outputs()))
    _same(card, inputs[0], ("frames", [card.step_frames, MEL_BINS]))
    _same(card, outputs[0], ("embedding", [card.embedding_size]))
    if len(inputs) != len(outputs):
        raise ModelFileError(f"{card.path.with_suffix('.onnx')} takes {len(inputs) - 1} states and returns {len(outputs) - 1}")
    for (name, shape), after in zip(inputs[1:], outputs[1:], strict=True):
        _same(card, after, (f"next_{name}", shape))


def _same(card: Card, found: tuple[str, list[int | str]], expected: tuple[str, list[int | str]]) -> None:
    if found != expected:
        file = card.path.with_suffix(".onnx")
        raise ModelFileError(f"{file} has {_named(found)} where {_named(expected)} is expected: export the model again")


def _named(node: tuple[str, list[int | str]]) -> str:
    return f"{node[0]} of (batch, {', '.join(map(str, node[1]))})"


def _short(value: str) -> str:
    return shorten(value, 80, placeholder=" ...")
