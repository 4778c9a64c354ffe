"""The shipped `edge` in 8 bits, calibrated by made-up voices: fast, and independent of training data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from click.testing import CliRunner

from models.backends import load_encoder
from models.encoder import Embedding
from models.features import SAMPLE_RATE, Frames
from models.quantise import CALIBRATION_FRAMES, CalibrationError, calibration_frames, main
from models.weights import read_card
from tests.audio import voice

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with `train.tsv` and what it lists: three recordings of 4 s, and one that is too short to be heard."""
    root = tmp_path_factory.mktemp("data")
    lines = ["path\tspeaker\tcorpus"]
    for speaker, seconds in enumerate((4.0, 4.0, 0.5, 4.0)):
        soundfile.write(root / f"{speaker}.wav", voice(speaker, seconds), SAMPLE_RATE)
        lines.append(f"{speaker}.wav\ts{speaker}\tsynthetic")
    (root / "train.tsv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def card(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("quantised")
    result = CliRunner().invoke(main, ["edge", "--data", str(data), "--output", str(output)], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"{output / 'edge-int8.json'}: " in result.output
    return output / "edge-int8.json"


def test_the_card_tells_what_it_was_made_from(card: Path) -> None:
    made, origin = read_card(str(card)), read_card("edge")
    assert made.model_id == f"edge-int8-{made.facts['weights_sha256'][:12]}"
    assert made.facts["quantised_from"] == origin.model_id
    assert list(made.sha256) == ["edge-int8.onnx"]
    for fact in ("parameters", "training", "training_data_sha256", "normalisation_prior", "sizes"):
        assert made.facts[fact] == origin.facts[fact]


def test_weights_take_a_byte_each(card: Path) -> None:
    weights = [tensor for tensor in onnx.load(card.with_suffix(".onnx")).graph.initializer if np.prod(tensor.dims) > 500]
    assert {onnx.TensorProto.DataType.Name(tensor.data_type) for tensor in weights} == {"UINT8", "INT8"}
    assert sum(np.prod(tensor.dims) for tensor in weights) > 0.97 * read_card("edge").parameters


def test_sums_means_and_the_pooling_are_floats(card: Path) -> None:
    graph = onnx.load(card.with_suffix(".onnx")).graph
    assert {node.type.tensor_type.elem_type for node in (*graph.input, *graph.output)} == {onnx.TensorProto.FLOAT}
    integers = [node for node in graph.node if node.op_type == "MatMul" and node.input[0] == f"{node.name}.input"]
    assert len(integers) == 1 + 5 * 8
    readers = {name for node in graph.node if node not in integers for name in node.input}
    assert not readers & {name for node in integers for name in node.input}
    assert not any(node.name.startswith(("pool.", "embedding")) for node in integers)


def test_what_it_says_is_close_to_what_the_floats_say(card: Path, data: Path) -> None:
    frames = calibration_frames(data, 1, seed=3)[0]
    exact, rounded = (_last_embedding(model, frames) for model in ("edge", str(card)))
    assert exact @ rounded > 0.995 * np.linalg.norm(exact) * np.linalg.norm(rounded)


def _last_embedding(model: str, frames: Frames) -> Embedding:
    encoder = load_encoder(model, "onnxruntime")
    state, embedding = encoder.initial_state(), np.empty((1, 0), dtype=np.float32)
    for step in np.split(frames[None], CALIBRATION_FRAMES // encoder.step_frames, axis=1):
        state, embedding = encoder.step(np.ascontiguousarray(step), state)
    last: Embedding = embedding[0]
    return last


def test_calibration_takes_recordings_that_are_long_enough(data: Path) -> None:
    taken = calibration_frames(data, 10, seed=1)
    assert [frames.shape for frames in taken] == [(CALIBRATION_FRAMES, 80)] * 3
    assert len(calibration_frames(data, 2, seed=1)) == 2


def test_nothing_to_calibrate_by(data: Path, tmp_path: Path) -> None:
    (tmp_path / "2.wav").symlink_to(data / "2.wav")
    (tmp_path / "train.tsv").write_text("path\tspeaker\tcorpus\n2.wav\ta\tb\n")
    with pytest.raises(CalibrationError, match=r"lists no recording of 3\.2 s or more"):
        calibration_frames(tmp_path, 10, seed=1)


@pytest.mark.parametrize(
    ("name", "message"), [("nonesuch", "there is no model 'nonesuch'"), ("edge-int8", "edge-int8 is an 8-bit model already")]
)
def test_what_cannot_be_quantised(name: str, message: str, data: Path) -> None:
    result = CliRunner().invoke(main, [name, "--data", str(data)])
    assert result.exit_code == 1
    assert message in result.output


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["edge", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "train.tsv" in result.output
