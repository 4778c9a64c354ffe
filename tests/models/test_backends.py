"""The shipped weights on both backends, with real feature streams."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.audio import read_audio
from models.backends import BACKENDS, load_encoder
from models.encoder import Embedding, Encoder, State
from models.features import Frames, log_mel
from models.weights import SHIPPED, ModelFileError, read_card

VOICES = Path(__file__).parents[2] / "clients" / "voices"
MODELS = sorted(card.stem for card in SHIPPED.glob("*.json"))
STEP = 8

every_model = pytest.mark.parametrize("model", MODELS)


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


def test_edge_is_shipped() -> None:
    assert "edge" in MODELS


@every_model
def test_backends_agree_on_speech(model: str) -> None:
    frames = _frames("1-slt")
    onnx, torch = (np.stack(_steps(load_encoder(model, backend), [frames])) for backend in BACKENDS)
    assert np.abs(onnx - torch).max() < 1e-4


@every_model
@pytest.mark.parametrize("backend", BACKENDS)
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


@every_model
def test_the_card_and_the_encoder_say_the_same(model: str) -> None:
    card = read_card(model)
    for backend in BACKENDS:
        encoder = load_encoder(model, backend)
        assert (encoder.model_id, encoder.step_frames) == (card.model_id, STEP)
        assert _steps(encoder, [_frames("1-slt")[:STEP]])[0].shape == (1, card.embedding_size)


def test_an_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(ModelFileError, match="edge"):
        load_encoder("nonesuch", "onnxruntime")


@pytest.mark.parametrize(("backend", "suffix"), [("onnxruntime", ".onnx"), ("torch", ".pt")])
def test_an_altered_file_is_refused(tmp_path: Path, backend: str, suffix: str) -> None:
    for file in SHIPPED.glob("edge.*"):
        shutil.copy(file, tmp_path)
    altered = tmp_path / f"edge{suffix}"
    altered.write_bytes(altered.read_bytes() + b"\0")
    with pytest.raises(ModelFileError, match=f"edge{suffix} is not the file"):
        load_encoder(str(tmp_path / "edge.json"), backend)


@pytest.mark.parametrize("suffix", [".onnx", ".pt"])
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    shutil.copy(SHIPPED / "edge.json", tmp_path)
    with pytest.raises(ModelFileError, match="is missing"):
        read_card(str(tmp_path / "edge.json")).file(suffix)
