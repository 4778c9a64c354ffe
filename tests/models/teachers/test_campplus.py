from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from models.audio import read_audio
from models.evaluate.embeddings import stack
from models.teachers.campplus import embedding, load

VOICES = Path(__file__).parents[3] / "clients" / "voices"


def test_it_is_the_published_network() -> None:
    teacher = load()
    assert sum(parameter.numel() for parameter in teacher.parameters()) == 6_848_544
    levels = teacher.levels(torch.zeros(2, 100, 80))
    assert [tuple(level.shape) for level in levels] == [(2, 50, 512), (2, 1024), (2, 192)]


def test_it_tells_the_shipped_voices_apart() -> None:
    teacher = embedding()
    slt, rms = (sorted((VOICES / name).glob("*.opus"))[:2] for name in ("1-slt", "2-rms"))
    vectors = stack([teacher.embed(read_audio(path)) for path in (*slt, *rms)])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = unit @ unit.T
    assert min(scores[0, 1], scores[2, 3]) > scores[:2, 2:].max() + 0.2


def test_too_little_audio_gives_no_embedding() -> None:
    assert embedding().embed(np.zeros(800, dtype=np.float32)) is None
