from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.distill.batches import draw_chances, draw_crops
from models.distill.config import DistillConfig
from models.distill.corpus import Corpus
from models.features import SAMPLE_RATE

CLASSES = np.array([0] * 90 + [1] * 10)
SECONDS = 4


@pytest.fixture
def audio() -> Corpus:
    starts = np.arange(len(CLASSES) + 1) * SECONDS * SAMPLE_RATE
    return Corpus(np.zeros(starts[-1], dtype=np.int16), starts)


def _config(**values: object) -> DistillConfig:
    paths = {name: Path(name) for name in ("data", "cache", "output")}
    settings = {"student": "edge", "teacher": "campplus", "steps": 1, "crop_seconds": (1.0, 1.0), **paths, **values}
    return DistillConfig.model_validate(settings)


@pytest.mark.parametrize(("evenness", "share"), [(0.0, 0.1), (0.5, 0.25), (1.0, 0.5)])
def test_the_more_even_the_more_is_heard_of_those_with_few_recordings(audio: Corpus, evenness: float, share: float) -> None:
    random = np.random.default_rng(1)
    drawn = [draw_crops(audio, _config(batch_seconds=2.0), random, draw_chances(CLASSES, evenness))[1] for _ in range(1000)]
    assert np.mean(CLASSES[np.concatenate(drawn)]) == pytest.approx(share, abs=0.03)


def test_crops_are_as_many_as_fill_a_batch(audio: Corpus) -> None:
    waveforms, indices, offsets = draw_crops(audio, _config(batch_seconds=20.0), np.random.default_rng(1), draw_chances(CLASSES, 0.5))
    assert len(waveforms) == len(indices) == len(offsets) == 20
