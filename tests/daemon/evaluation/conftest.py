"""Recordings of synthetic voices, and the setting in which they are measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from daemon.config import Config
from daemon.evaluation.bench import Setting
from models.features import SAMPLE_RATE
from models.manifest import Recording, read_manifest
from tests.audio import join, noise, silence, voice
from tests.fakes import PLAIN_VAD, FakeEncoder, fake_calibration

SPEAKERS = 4
RECORDINGS = 5
STRANGERS = 2


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with `manifest.tsv`, `noise.tsv` and what they list: some to enroll, some strangers, who have one recording."""
    root = tmp_path_factory.mktemp("corpus")
    lines = ["path\tspeaker\tcorpus"]
    for speaker in range(SPEAKERS + STRANGERS):
        for take in range(RECORDINGS if speaker < SPEAKERS else 1):
            name = f"{speaker}-{take}.wav"
            sound = join(silence(0.3), noise(0.3, seed=take), voice(speaker, 1.2, take), noise(0.2, seed=speaker))
            soundfile.write(root / name, sound, SAMPLE_RATE)
            lines.append(f"{name}\tspeaker{speaker}\tsynthetic")
    (root / "manifest.tsv").write_text("\n".join(lines) + "\n")
    soundfile.write(root / "hiss.wav", noise(1.0, level=-30.0), SAMPLE_RATE)
    (root / "noise.tsv").write_text("path\tkind\nhiss.wav\thiss\n")
    return root


@pytest.fixture(scope="session")
def recordings(corpus: Path) -> list[Recording]:
    return read_manifest(corpus / "manifest.tsv", corpus)


@pytest.fixture(scope="session")
def setting() -> Setting:
    return Setting(Config(vad=PLAIN_VAD), FakeEncoder, fake_calibration(accept=0.8, reject=0.6))


def with_decision(setting: Setting, **changes: float) -> Setting:
    """Return the setting with other decision settings."""
    config = setting.config
    return replace(setting, config=config.model_copy(update={"decision": config.decision.model_copy(update=changes)}))
