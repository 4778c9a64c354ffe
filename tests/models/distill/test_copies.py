from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.audio import read_audio
from models.distill.config import DistillConfig
from models.distill.copies import VoiceCopies
from models.distill.corpus import speaker_classes
from models.features import SAMPLE_RATE, Waveform
from models.manifest import Recording, read_manifest


def _strongest(samples: Waveform, below: float) -> float:
    """The strongest frequency, in hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    hertz = np.fft.rfftfreq(1 << 18, 1 / SAMPLE_RATE)
    return float(hertz[np.argmax(np.where(hertz < below, spectrum, 0))])


@pytest.fixture
def recordings(data: Path) -> list[Recording]:
    return read_manifest(data / "train.tsv", data)[:3]


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_a_copy_is_shorter_and_higher_by_the_speed(recordings: list[Recording], tmp_path: Path, speed: float) -> None:
    for recording, copy in zip(recordings, VoiceCopies(tmp_path).of(recordings, [speed], 0, 1), strict=True):
        heard, played = read_audio(recording.path), read_audio(copy.path)
        assert len(played) == pytest.approx(len(heard) / speed, abs=2)
        assert _strongest(played, below=400 * speed) == pytest.approx(_strongest(heard, below=400) * speed, rel=0.03)


def test_each_voice_of_a_speaker_is_another_speaker(recordings: list[Recording], tmp_path: Path) -> None:
    copies = VoiceCopies(tmp_path).of(recordings, [0.9, 1.1], 2, 1)
    classes = speaker_classes([*recordings, *copies])
    assert len(set(classes[:3])) == 1
    assert len(set(classes)) == 5


def test_nobody_known_stays_nobody_known(data: Path, tmp_path: Path) -> None:
    nobody = Recording(data / "train" / "0-0.wav", "c_unknown", "c")
    assert not any(copy.labelled for copy in VoiceCopies(tmp_path).of([nobody], [0.9], 1, 1))


def test_copies_are_made_once(recordings: list[Recording], tmp_path: Path) -> None:
    VoiceCopies(tmp_path).of(recordings, [0.9], 1, 1)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    VoiceCopies(tmp_path).of(recordings, [0.9], 1, 1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == made


@pytest.mark.parametrize("speed", [0.0, -1.0, 3.0])
def test_a_speed_that_is_none_is_refused(config: DistillConfig, speed: float) -> None:
    with pytest.raises(ValueError, match="speeds"):
        DistillConfig.model_validate(config.model_dump() | {"speeds": [speed]})
