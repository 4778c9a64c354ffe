"""A distribution that offers embeddings, and a corpus of synthetic voices to measure them on."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from models.features import SAMPLE_RATE
from tests.audio import noise, voice

PLUGIN = '''
import numpy as np

from models.features import log_mel


class Spectrum:
    """The shape of the mean log-mel spectrum; nothing for less than a tenth of a second."""

    parameters = 0

    def embed(self, waveform):
        if len(waveform) < 1600:
            return None
        mean = log_mel(waveform).mean(axis=0)
        return mean - mean.mean()


class Coarse(Spectrum):
    """The same in two numbers: which half is stronger."""

    def embed(self, waveform):
        fine = super().embed(waveform)
        return None if fine is None else fine.reshape(2, 40).mean(axis=1)


class Band(Spectrum):
    """The same, with as many parameters as it is told."""

    def __init__(self, parameters):
        self.parameters = int(parameters)


class Counter(Spectrum):
    """How many recordings it was given."""

    given = 0

    def embed(self, waveform):
        self.given += 1
        return np.array([self.given, 1.0])


class Broken(Spectrum):
    def embed(self, waveform):
        return np.full(80, np.nan)
'''
ENTRY_POINTS = """
[speakerd.embeddings]
band = offered_embeddings:Band
broken = offered_embeddings:Broken
coarse = offered_embeddings:Coarse
counter = offered_embeddings:Counter
spectrum = offered_embeddings:Spectrum
"""
SPEAKERS = 8
RECORDINGS = 7


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a third party's distribution that offers the embeddings `spectrum`, `coarse` and `broken`; return where."""
    site = tmp_path / "site"
    metadata = site / "offered_embeddings-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: offered-embeddings\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "offered_embeddings.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(site)
    return site


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with `manifest.tsv`, `noise.tsv` and what they list, the last recording too short for an embedding."""
    root = tmp_path_factory.mktemp("corpus")
    lines = ["path\tspeaker\tcorpus\tsex"]
    for speaker in range(SPEAKERS):
        for take in range(RECORDINGS):
            name = f"{speaker}-{take}.wav"
            soundfile.write(root / name, voice(speaker, 0.5, take), SAMPLE_RATE)
            lines.append(f"{name}\tspeaker{speaker}\tsynthetic\t{'FM'[speaker % 2]}")
    soundfile.write(root / f"{SPEAKERS - 1}-{RECORDINGS - 1}.wav", voice(SPEAKERS - 1, 0.05), SAMPLE_RATE)
    (root / "manifest.tsv").write_text("\n".join(lines) + "\n")
    (root / "noises").mkdir()
    soundfile.write(root / "noises" / "hiss.wav", noise(1.0), SAMPLE_RATE)
    (root / "noise.tsv").write_text("path\tkind\nnoises/hiss.wav\thiss\n")
    return root
