"""Compensation on embeddings of which some directions tell the speaker and others the recording."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.distill.compensation import LEAST, Labelled, compensated, whole_embedding
from models.distill.corpus import Corpus
from models.export import folded
from models.student import EDGE, Student, new_student
from models.student.bottleneck import BottleneckConfig

SPEAKERS = 6
SAMPLES = 8000


@pytest.fixture
def student() -> Student:
    torch.manual_seed(1)
    return new_student(BottleneckConfig(channels=32, bottleneck=16, dilations=(1, 2), embedding=16)).eval()


def _labelled(recordings: int, *, known: bool = True) -> Labelled:
    """Speakers are tones, recordings of one differ in their noise."""
    random = np.random.default_rng(2)
    classes = np.repeat(np.arange(SPEAKERS), recordings)
    tones = [np.sin(2 * np.pi * 200 * (1 + speaker) * np.arange(SAMPLES) / 16000) for speaker in classes]
    waveforms = [0.3 * tone + random.uniform(0.01, 0.2) * random.normal(size=SAMPLES) for tone in tones]
    samples = (np.concatenate(waveforms).clip(-1, 1) * 32767).astype(np.int16)
    starts = np.arange(len(classes) + 1) * SAMPLES
    return Labelled(Corpus(samples, starts), classes, np.full(len(classes), known))


def _as_it_is(waveforms: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    del random
    return waveforms


def _embeddings(student: Student, labelled: Labelled) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([whole_embedding(student, labelled.audio, index) for index in range(len(labelled.classes))])


def test_recordings_of_one_speaker_differ_alike_in_all_directions(student: Student) -> None:
    labelled = _labelled(recordings=20)
    embeddings = _embeddings(compensated(student, labelled, _as_it_is, seed=1), labelled)
    assert _spread(embeddings) < 0.2 * _spread(_embeddings(student, labelled))
    torch.testing.assert_close(embeddings.mean(dim=0), torch.zeros(embeddings.shape[1]), rtol=0, atol=1e-3)


def _spread(embeddings: torch.Tensor) -> float:
    """How much farther recordings of one speaker are apart in the widest direction than in a middling one."""
    grouped = embeddings.view(SPEAKERS, -1, embeddings.shape[1])
    values = torch.linalg.eigvalsh(torch.cov((grouped - grouped.mean(dim=1, keepdim=True)).flatten(0, 1).T))
    return float(values[-1] / values[len(values) // 2])


@pytest.mark.parametrize("labelled", [_labelled(recordings=LEAST - 1), _labelled(recordings=LEAST, known=False)])
def test_without_speakers_who_are_known_well_nothing_changes(student: Student, labelled: Labelled) -> None:
    torch.testing.assert_close(_embeddings(compensated(student, labelled, _as_it_is, seed=1), labelled), _embeddings(student, labelled))


def test_the_exported_form_computes_the_same(student: Student) -> None:
    labelled = _labelled(recordings=LEAST)
    after = compensated(student, labelled, _as_it_is, seed=1)
    torch.testing.assert_close(_embeddings(folded(after), labelled), _embeddings(after, labelled), rtol=1e-3, atol=1e-3)


def test_it_is_taken_back_for_training(student: Student) -> None:
    labelled = _labelled(recordings=LEAST)
    after = compensated(student, labelled, _as_it_is, seed=1)
    after.compensation.reset()
    torch.testing.assert_close(_embeddings(after, labelled), _embeddings(student, labelled))


def test_what_is_heard_counts(student: Student) -> None:
    """Where all is heard backwards, directions in which only that differs are weighed down."""
    labelled = _labelled(recordings=20)
    backwards = compensated(student, labelled, lambda waveforms, _: waveforms.flip(-1), seed=1)
    assert not torch.allclose(backwards.compensation.matrix, compensated(student, labelled, _as_it_is, seed=1).compensation.matrix)


def test_it_adds_no_parameters() -> None:
    assert not list(new_student(EDGE).compensation.parameters())
