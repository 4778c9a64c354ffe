"""A tiny data directory in the form that recipes expect."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from models.distill.config import DistillConfig
from models.features import SAMPLE_RATE, Waveform
from tests.audio import noise, voice

SIZES = {"train": (4, 6), "dev": (8, 7)}
"""Speakers and recordings of each: the development set has just enough for an error rate."""


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with train.tsv, dev.tsv and noise.tsv: synthetic voices of 1 to 1.5 s."""
    root = tmp_path_factory.mktemp("data")
    for split, (speakers, takes) in SIZES.items():
        rows = ["path\tspeaker\tcorpus"]
        for speaker in range(speakers):
            for take in range(takes):
                path = f"{split}/{speaker}-{take}.wav"
                seed = speaker + (100 if split == "dev" else 0)
                _write(root / path, voice(seed=seed, seconds=1.0 + 0.1 * take, take=take))
                rows.append(f"{path}\t{split}{speaker}\tsynthetic")
        (root / f"{split}.tsv").write_text("\n".join(rows) + "\n")
    _write(root / "hiss.wav", noise(2.0, level=-20.0))
    (root / "noise.tsv").write_text("path\tkind\nhiss.wav\thiss\n")
    return root


@pytest.fixture(scope="session")
def config(data: Path, tmp_path_factory: pytest.TempPathFactory) -> DistillConfig:
    """Return a recipe of four steps on `data`."""
    scratch = tmp_path_factory.mktemp("distill")
    return DistillConfig(
        student="edge",
        teacher="campplus",
        data=data,
        cache=scratch / "cache",
        output=scratch / "run",
        steps=4,
        batch_seconds=3.0,
        crop_seconds=(0.6, 1.0),
        warmup=1,
        threads=1,
        checkpoint_every=2,
        evaluate_every=100,
    )


def _write(path: Path, samples: Waveform) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, SAMPLE_RATE)
