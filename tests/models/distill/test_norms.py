from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.distill.corpus import Corpus, load_corpus
from models.distill.norms import settle_norms
from models.student import EDGE, Student


@pytest.fixture
def audio(data: Path, tmp_path: Path) -> Corpus:
    return load_corpus(sorted((data / "train").glob("*.wav")), tmp_path)


def _student() -> Student:
    torch.manual_seed(3)
    return Student(EDGE)


def test_only_the_statistics_change(audio: Corpus) -> None:
    student, before = _student(), _student().state_dict()
    settle_norms(student, audio, seed=1)
    changed = {name for name, value in student.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all("running_" in name or "num_batches" in name for name in changed)
    assert student.stem.halve_norm.momentum == _student().stem.halve_norm.momentum


def test_what_they_were_before_does_not_matter(audio: Corpus) -> None:
    fresh, worn = _student(), _student()
    worn.encode(torch.randn(4, 200, 80) * 9.0, worn.initial_state(4))
    for student in (fresh, worn):
        settle_norms(student, audio, seed=1)
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, worn.state_dict()[name]), name
