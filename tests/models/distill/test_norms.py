from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.distill.corpus import Corpus, load_corpus
from models.distill.norms import settled
from models.student import EDGE, Student, new_student


@pytest.fixture
def audio(data: Path, tmp_path: Path) -> Corpus:
    return load_corpus(sorted((data / "train").glob("*.wav")), tmp_path)


def _student() -> Student:
    torch.manual_seed(3)
    return new_student(EDGE)


def test_only_the_statistics_of_a_copy_change(audio: Corpus) -> None:
    student, before = _student(), _student().state_dict()
    after = settled(student, audio, seed=1).state_dict()
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed
    assert all("running_" in name or "num_batches" in name for name in changed)


def test_what_they_were_before_does_not_matter(audio: Corpus) -> None:
    fresh, worn = _student(), _student()
    worn.encode(torch.randn(4, 200, 80) * 9.0, worn.initial_state(4))
    settled_worn = settled(worn, audio, seed=1).state_dict()
    for name, value in settled(fresh, audio, seed=1).state_dict().items():
        assert torch.equal(value, settled_worn[name]), name


def test_those_of_frozen_layers_stay(audio: Corpus) -> None:
    student = _student()
    before = student.state_dict()
    before["embedding_norm.running_mean"].fill_(3.0)
    after = settled(student, audio, seed=1, frozen=["embedding_norm"]).state_dict()
    kept = {name for name, value in after.items() if "running_mean" in name and torch.equal(value, before[name])}
    assert kept == {"embedding_norm.running_mean"}
