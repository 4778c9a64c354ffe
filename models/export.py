"""`python -m models.export CHECKPOINT NAME`: write a trained student as NAME.onnx, NAME.pt and its card NAME.json."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import click
import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from torch.utils.flop_counter import FlopCounterMode

from models.features import HOP_SAMPLES, MEL_BINS, SAMPLE_RATE
from models.layers import CausalConv1d, CausalConv2d
from models.metadata import metadata_of
from models.reference import ID_DIGITS, STEP_FRAMES, facts_of
from models.student import Student, sizes_of, student_of
from models.weights import SHIPPED, digest

WEIGHTED = ("Conv", "Gemm", "MatMul")
"""Operations of the step function that have weights."""


def folded(student: Student) -> Student:
    """Return a copy of `student` whose batch normalisations are part of the layers before them."""
    copied = copy.deepcopy(student).eval()
    for part in list(copied.modules()):
        for name, norm in list(part.named_children()):
            # A norm called something_norm follows the layer something; any other stands before an activation.
            if name.endswith("_norm") and isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                _fold(part, name.removesuffix("_norm"), norm)
                setattr(part, name, nn.Identity())
    _fold_compensation(copied)
    return copied


def _fold_compensation(student: Student) -> None:
    last, compensation = student.embedding, student.compensation
    last.bias = nn.Parameter(compensation(last.bias))
    last.weight = nn.Parameter(compensation.matrix @ last.weight)
    student.compensation = nn.Identity()  # type: ignore[assignment]


def _fold(part: nn.Module, name: str, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    layer = part.get_submodule(name)
    if not norm.affine:  # torch folds only norms that scale and shift.
        norm.weight, norm.bias = nn.Parameter(torch.ones(norm.num_features)), nn.Parameter(torch.zeros(norm.num_features))
    if isinstance(layer, CausalConv2d):
        layer.conv = fuse_conv_bn_eval(layer.conv, norm)
    elif isinstance(layer, CausalConv1d):
        layer.linear = fuse_linear_bn_eval(layer.linear, norm)
    elif isinstance(layer, nn.Linear):
        setattr(part, name, fuse_linear_bn_eval(layer, norm))
    elif isinstance(layer, nn.Conv2d):
        setattr(part, name, fuse_conv_bn_eval(layer, norm))


class _StepFunction(nn.Module):
    """The student as a function of flat tensors: (frames, *state) -> (embedding, *state)."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student

    def forward(self, frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        embedding, after = self.student(frames, state)
        return embedding, *after


def export(student: Student, name: str, directory: Path, facts: dict[str, Any]) -> None:
    """Write the three files of `student` into `directory`; `facts` is added to the card.

    training_data_sha256 is one of the facts: the hash of the recordings that it was trained on, or None.
    """
    directory.mkdir(parents=True, exist_ok=True)
    student = student.eval().requires_grad_(False)
    small = folded(student)
    card = _described(student, small, name) | facts
    weights, graph = directory / f"{name}.pt", directory / f"{name}.onnx"
    torch.save({"sizes": sizes_of(student), "student": student.state_dict()}, weights)
    write_model(_step_model(small), card, graph)
    write_card(card, [graph, weights])


def write_model(model: onnx.ModelProto, card: Mapping[str, object], path: Path) -> None:
    """Write a step function with the facts of its card inside."""
    onnx.helper.set_model_props(model, metadata_of(card))
    onnx.save(model, path)


def write_card(card: Mapping[str, object], files: Sequence[Path]) -> None:
    """Write the card of a model's files beside them, under the first one's name."""
    text = json.dumps({**card, "sha256": {path.name: digest(path) for path in files}}, indent=2)
    # A list of eighty numbers takes one line, not eighty.
    lists_on_one_line = re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text)
    files[0].with_suffix(".json").write_text(lists_on_one_line + "\n", encoding="utf-8")


def _described(student: Student, small: Student, name: str) -> dict[str, object]:
    """Return the facts of a card that the student itself tells; `small` is the same with its norms folded away."""
    facts = facts_of(student)
    return {
        "model_id": f"{name}-{str(facts['weights_sha256'])[:ID_DIGITS]}",
        "training_data_sha256": None,
        "parameters": sum(parameter.numel() for parameter in small.parameters()),
        "multiply_adds_per_second": multiply_adds_per_second(small),
        **facts,
    }


def multiply_adds_per_second(student: Student) -> int:
    """Return the multiply-adds of matrix products and convolutions per second of audio."""
    with FlopCounterMode(display=False) as counter:
        student(torch.zeros(1, STEP_FRAMES, MEL_BINS), student.initial_state())
    steps_per_second = SAMPLE_RATE / (STEP_FRAMES * HOP_SAMPLES)
    flops: int = counter.get_total_flops()
    return round(flops / 2 * steps_per_second)


def _step_model(student: Student) -> onnx.ModelProto:
    """Return the step function of a student as a graph, whose layers with weights have the names that they have in the student."""
    # Two streams in the example: a batch of one would be taken for a constant.
    frames, state = torch.zeros(2, STEP_FRAMES, MEL_BINS), student.initial_state(2)
    names = [f"state_{index}" for index in range(len(state))]
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.onnx.export(
        _StepFunction(student).eval(),
        (frames, *state),
        input_names=["frames", *names],
        output_names=["embedding", *(f"next_{name}" for name in names)],
        dynamic_shapes=({0: batch}, tuple({0: batch} for _ in state)),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model = program.model_proto
    for node in model.graph.node:
        if node.op_type in WEIGHTED:
            node.name = _layer(node)
        del node.metadata_props[:]  # Source lines of the exporting machine.
    del model.graph.metadata_props[:]
    return model


def _layer(node: onnx.NodeProto) -> str:
    """Return the name of the student's layer that a node was made from."""
    notes = {entry.key: entry.value for entry in node.metadata_props}
    # The last scope is the operation, the one before it the layer.
    layer: str = ast.literal_eval(notes["pkg.torch.onnx.name_scopes"])[-2]
    return layer.removeprefix("student.")


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("name")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=SHIPPED, help="Where the files go.")
def main(checkpoint: Path, name: str, output: Path) -> None:
    """Export the student of CHECKPOINT under NAME."""
    try:
        stored = torch.load(checkpoint, weights_only=True)
        student, training = student_of(stored["sizes"]), json.loads(stored["config"])
        student.load_state_dict(stored["student"])
    except (UnpicklingError, LookupError, RuntimeError) as error:
        raise click.UsageError(f"{checkpoint} is no checkpoint of a student by `python -m models.distill`: {error!r}") from None
    for key in ("data", "cache", "output", "start"):
        del training[key]
    facts = {"training_data_sha256": stored.get("data_sha256"), "training": {**training, "trained_steps": stored["step"]}}
    export(student, name, output, facts)
    click.echo(output / f"{name}.json")


if __name__ == "__main__":
    main()
