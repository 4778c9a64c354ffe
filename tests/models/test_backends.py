"""The shipped weights on both backends, with real feature streams."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from models.audio import read_audio
from models.backends import BACKENDS, load_encoder
from models.encoder import Embedding, Encoder, State
from models.features import Frames, log_mel
from models.weights import SHIPPED, ModelFileError, digest, read_card

VOICES = Path(__file__).parents[2] / "clients" / "voices"
MODELS = sorted(card.stem for card in SHIPPED.glob("*.json"))
FLOATS = [model for model in MODELS if not model.endswith("-int8")]
"""Models that have weights for torch too."""
FORMS = [(model, backend) for model in MODELS for backend in BACKENDS if backend == "onnxruntime" or model in FLOATS]
STEP = 8

every_model = pytest.mark.parametrize("model", MODELS)
every_form = pytest.mark.parametrize(("model", "backend"), FORMS)


def _frames(name: str) -> Frames:
    frames = log_mel(read_audio(VOICES / name / "1.opus"))
    return frames[: len(frames) // STEP * STEP]


def _steps(encoder: Encoder, streams: list[Frames]) -> list[Embedding]:
    """Return the embedding of every step of equally long streams that are stepped together, each (streams, size)."""
    state: State = tuple(np.concatenate([part] * len(streams)) for part in encoder.initial_state())
    embeddings = []
    for frames in np.split(np.stack(streams), len(streams[0]) // STEP, axis=1):
        state, embedding = encoder.step(np.ascontiguousarray(frames), state)
        embeddings.append(embedding)
    return embeddings


def test_edge_is_shipped_in_floats_and_in_8_bits() -> None:
    assert {"edge", "edge-int8"} <= set(MODELS)


@pytest.mark.parametrize("model", FLOATS)
def test_backends_agree_on_speech(model: str) -> None:
    frames = _frames("1-slt")
    onnx, torch = (np.stack(_steps(load_encoder(model, backend), [frames])) for backend in BACKENDS)
    assert np.abs(onnx - torch).max() < 1e-4


@every_form
def test_a_prefix_has_the_embeddings_of_the_whole(model: str, backend: str) -> None:
    encoder, frames = load_encoder(model, backend), _frames("1-slt")
    whole, prefix = _steps(encoder, [frames]), _steps(encoder, [frames[: 20 * STEP]])
    assert np.array_equal(np.stack(prefix), np.stack(whole[:20]))


@every_model
def test_neighbours_in_a_batch_change_nothing(model: str) -> None:
    encoder = load_encoder(model, "onnxruntime")
    streams = [_frames(name)[: 20 * STEP] for name in ("1-slt", "2-rms", "3-awb")]
    together = np.stack(_steps(encoder, streams))
    for row, stream in enumerate(streams):
        assert np.array_equal(together[:, row], np.stack(_steps(encoder, [stream]))[:, 0])


@every_form
def test_the_card_and_the_encoder_say_the_same(model: str, backend: str) -> None:
    card, encoder = read_card(model), load_encoder(model, backend)
    assert (encoder.model_id, encoder.step_frames) == (card.model_id, STEP)
    assert _steps(encoder, [_frames("1-slt")[:STEP]])[0].shape == (1, card.embedding_size)


@pytest.mark.parametrize("model", [model for model in MODELS if model not in FLOATS])
def test_8_bits_say_nearly_what_floats_say(model: str) -> None:
    frames = _frames("1-slt")
    exact, rounded = (_steps(load_encoder(name, "onnxruntime"), [frames])[-1][0] for name in (model.removesuffix("-int8"), model))
    assert exact @ rounded > 0.99 * np.linalg.norm(exact) * np.linalg.norm(rounded)


def test_edge_in_8_bits_is_small() -> None:
    assert (SHIPPED / "edge-int8.onnx").stat().st_size <= 800_000


def test_8_bits_have_no_weights_for_torch() -> None:
    with pytest.raises(ModelFileError, match=r"lists no \.pt file, so another backend runs this model; its files: edge-int8\.onnx"):
        load_encoder("edge-int8", "torch")


def test_an_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(ModelFileError, match="edge"):
        load_encoder("nonesuch", "onnxruntime")


@pytest.mark.parametrize(("backend", "suffix"), [("onnxruntime", ".onnx"), ("torch", ".pt")])
def test_an_altered_file_is_refused(tmp_path: Path, backend: str, suffix: str) -> None:
    _copy("edge", tmp_path)
    altered = tmp_path / f"edge{suffix}"
    altered.write_bytes(altered.read_bytes() + b"\0")
    with pytest.raises(ModelFileError, match=f"edge{suffix} is not the file"):
        load_encoder(str(tmp_path / "edge.json"), backend)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"embedding_size": 256}, "embedding_size"),
        ({"normalisation_prior": {"frames": 1.0, "mean": [0.0] * 80}}, "normalisation_prior"),
        ({"weights_sha256": "0" * 64}, "weights_sha256"),
        ({"model_id": "edge-000000000000"}, "model_id"),
    ],
)
def test_a_card_that_says_something_else_is_refused(changes: dict[str, object], name: str, tmp_path: Path) -> None:
    card = _copy("edge", tmp_path)
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))
    for backend in BACKENDS:
        with pytest.raises(ModelFileError, match=name):
            load_encoder(str(card), backend)


def test_a_card_without_hashes_is_no_card(tmp_path: Path) -> None:
    card = _copy("edge", tmp_path)
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": "abc"}))
    with pytest.raises(ModelFileError, match="is not a model card"):
        read_card(str(card))


@pytest.mark.parametrize("suffix", [".onnx", ".pt"])
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    shutil.copy(SHIPPED / "edge.json", tmp_path)
    with pytest.raises(ModelFileError, match="is missing"):
        read_card(str(tmp_path / "edge.json")).file(suffix)


def _copy(model: str, directory: Path) -> Path:
    """Copy a model's files; return the path of its card."""
    for file in SHIPPED.glob(f"{model}.*"):
        shutil.copy(file, directory)
    return directory / f"{model}.json"


def _rewrite(card: Path, **facts: object) -> None:
    """Change what a card says, but for the hash of its file, which is made to fit."""
    content = json.loads(card.read_text()) | facts
    content["sha256"][f"{card.stem}.onnx"] = digest(card.with_suffix(".onnx"))
    card.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("model_id", "edge-0123456789ab"),
        ("weights_sha256", "00"),
        ("training_data_sha256", "00"),
        ("normalisation_prior", {"frames": 1.0, "mean": []}),
        ("parameters", 7),
        ("embedding_size", 256),
        ("step_frames", 10),
    ],
)
def test_a_card_that_its_file_contradicts_is_refused(tmp_path: Path, fact: str, value: object) -> None:
    card = _copy("edge-int8", tmp_path)
    _rewrite(card, **{fact: value})
    with pytest.raises(ModelFileError, match=f"edge-int8.onnx says {fact} = .*, edge-int8.json says .*: they are of different models"):
        load_encoder(str(card), "onnxruntime")


def test_a_file_that_says_nothing_of_itself_is_refused(tmp_path: Path) -> None:
    card = _copy("edge-int8", tmp_path)
    model = onnx.load(card.with_suffix(".onnx"))
    del model.metadata_props[:]
    onnx.save(model, card.with_suffix(".onnx"))
    _rewrite(card)
    with pytest.raises(ModelFileError, match="does not say its model_id: export the model again"):
        load_encoder(str(card), "onnxruntime")


def test_a_file_that_onnxruntime_cannot_load_is_refused(tmp_path: Path) -> None:
    card = _copy("edge-int8", tmp_path)
    card.with_suffix(".onnx").write_bytes(b"not a model")
    _rewrite(card)
    with pytest.raises(ModelFileError, match=r"onnxruntime [0-9.]+ cannot load .*edge-int8\.onnx"):
        load_encoder(str(card), "onnxruntime")
