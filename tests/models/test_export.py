"""An untrained student through the whole export: fast, and independent of the shipped weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from models.backends import load_encoder
from models.export import export, folded
from models.metadata import metadata_of
from models.reference import load_student
from models.student import EDGE, Student, new_student
from models.weights import read_card

TOLERANCE = 1e-4

# Both are torch talking to itself: its exporter's own deprecations, and that all tensors share one batch axis, as they should.
pytestmark = [
    pytest.mark.timeout(600),  # Tracing the graph takes a while on a busy machine.
    pytest.mark.filterwarnings("ignore:.isinstance.treespec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:# The axis name. batch will not be used:UserWarning"),
]


@pytest.fixture(scope="module")
def student() -> Student:
    torch.manual_seed(7)
    student = new_student(EDGE)
    student.centre.prior.copy_(torch.linspace(-12.0, -8.0, 80))
    student.encode(torch.randn(4, 200, 80) * 3.0 - 10.0, student.initial_state(4))
    return student.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def card(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export")
    export(student, "small", directory, {"training": {"seed": 7}, "training_data_sha256": "ab" * 32})
    return directory / "small.json"


def test_folding_changes_nothing_but_the_norms(student: Student) -> None:
    frames = torch.randn(2, 96, 80, generator=torch.Generator().manual_seed(1)) * 3.0 - 10.0
    small = folded(student)
    assert not any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in small.modules())  # noqa: SLF001
    before, after = (net(frames, net.initial_state(2))[0] for net in (student, small))
    torch.testing.assert_close(after, before, rtol=0, atol=TOLERANCE)


def test_the_card_tells_the_facts(card: Path) -> None:
    facts = read_card(str(card))
    assert facts.model_id.startswith("small-")
    assert facts.parameters <= 620_000
    assert facts.facts["multiply_adds_per_second"] <= 40_000_000
    assert (facts.embedding_size, facts.step_frames) == (192, 8)
    assert facts.facts["training"] == {"seed": 7}
    assert facts.facts["training_data_sha256"] == "ab" * 32
    assert facts.model_id == f"small-{facts.facts['weights_sha256'][:12]}"
    prior = facts.facts["normalisation_prior"]
    assert (prior["frames"], len(prior["mean"]), prior["mean"][0], prior["mean"][-1]) == (100.0, 80, -12.0, -8.0)


def test_the_file_tells_the_facts_too(card: Path) -> None:
    found = {entry.key: entry.value for entry in onnx.load(card.with_suffix(".onnx")).metadata_props}
    assert found == metadata_of(read_card(str(card)).facts)


def test_layers_keep_their_names(card: Path) -> None:
    names = {node.name for node in onnx.load(card.with_suffix(".onnx")).graph.node}
    assert {"stem.halve.conv", "blocks.0.narrow", "blocks.7.mask.excite", "pool.attention.0", "embedding"} <= names


def test_a_list_of_numbers_takes_one_line_of_the_card(card: Path) -> None:
    assert max(map(len, card.read_text().splitlines())) > 400
    assert len(card.read_text().splitlines()) < 60


def test_the_same_student_gets_the_same_id(student: Student, card: Path, tmp_path: Path) -> None:
    export(student, "small", tmp_path, {})
    assert read_card(str(tmp_path / "small.json")).model_id == read_card(str(card)).model_id


def test_the_checkpoint_comes_back(student: Student, card: Path) -> None:
    loaded = load_student(read_card(str(card)))
    for name, value in student.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_the_graph_names_its_state_and_nothing_of_the_exporting_machine(card: Path) -> None:
    graph = onnx.load(card.with_suffix(".onnx")).graph
    inputs, outputs = [node.name for node in graph.input], [node.name for node in graph.output]
    assert inputs[0] == "frames"
    assert outputs[0] == "embedding"
    assert [f"next_{name}" for name in inputs[1:]] == outputs[1:]
    content = card.with_suffix(".onnx").read_bytes()
    assert all(path not in content for path in (b"site-packages", str(Path.cwd()).encode()))


def test_onnxruntime_agrees_with_torch(card: Path) -> None:
    random = np.random.default_rng(2)
    encoders = [load_encoder(str(card), backend) for backend in ("onnxruntime", "torch")]
    states = [encoder.initial_state() for encoder in encoders]
    for _ in range(25):
        frames = (random.normal(0.0, 3.0, (1, 8, 80)) - 10.0).astype(np.float32)
        steps = [encoder.step(frames, state) for encoder, state in zip(encoders, states, strict=True)]
        assert np.abs(steps[0].embedding - steps[1].embedding).max() < TOLERANCE
        states = [step.state for step in steps]


def test_a_card_of_another_model_is_refused(card: Path, tmp_path: Path) -> None:
    facts = json.loads(card.read_text())
    del facts["model_id"]
    (tmp_path / "broken.json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="not a model card"):
        read_card(str(tmp_path / "broken.json"))
