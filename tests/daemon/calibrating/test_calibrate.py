"""`speakerd calibrate` on synthetic voices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from daemon.calibrating.calibrate import calibrate, fitted
from daemon.calibrating.options import Asked
from daemon.config import Config, EnrollmentConfig
from daemon.errors import CalibrationError
from models.calibration.calibration import read_calibration
from models.calibration.cohort import Cohort
from models.features import SAMPLE_RATE
from tests import audio
from tests.fakes import PLAIN_VAD, FakeEncoder
from tests.models.calibration.voices import Voices

SPEAKERS = 12
CONFIG = Config(vad=PLAIN_VAD, enrollment=EnrollmentConfig(min_speech_seconds=0.5))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with `manifest.tsv`, `few.tsv`, `noise.tsv` and what they list; what `silence.tsv` lists is no recording."""
    root = tmp_path_factory.mktemp("root")
    lines = ["path\tspeaker\tcorpus"]
    for speaker in range(SPEAKERS):
        for take in range(2):
            soundfile.write(root / f"{speaker}-{take}.wav", audio.voice(speaker, 0.9, take), SAMPLE_RATE)
            lines.append(f"{speaker}-{take}.wav\tspeaker {speaker}\tmade up")
    (root / "manifest.tsv").write_text("\n".join(lines) + "\n")
    (root / "few.tsv").write_text("\n".join(lines[:8]) + "\n")
    soundfile.write(root / "hiss.wav", audio.noise(1.0), SAMPLE_RATE)
    (root / "noise.tsv").write_text("path\nhiss.wav\n")
    (root / "silence.tsv").write_text("path\nfew.tsv\n")
    return root


def test_it_writes_a_calibration_and_tells_how_good_it_is_and_always_the_same(root: Path, tmp_path: Path) -> None:
    told = []
    for name in ("a.npz", "b.npz"):
        asked = Asked(root / "manifest.tsv", root, noise=root / "noise.tsv", output=tmp_path / name)
        told.append(list(calibrate(asked, CONFIG, FakeEncoder())))
    first, again = told
    lines = [line.split()[0] for line in first]
    assert lines[:5] == ["model", "heard", "scores", "impostors", "owners"]
    assert lines[5:-1] == sorted(lines[5:-1])
    assert {"clean", "noise"} <= set(lines[5:-1]) <= {"clean", "noise", "room", "telephone"}
    assert lines[-1] == "written"
    assert f"{SPEAKERS} voices enrolled" in first[1]
    assert first[:-1] == again[:-1]
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    pair = read_calibration(tmp_path / "a.npz", "fake-1").boundaries.pair(0.01, 0.05)
    assert pair.accept >= pair.reject


@pytest.mark.parametrize(
    ("manifest", "noise", "output", "says"),
    [
        pytest.param("few.tsv", None, "a.npz", "a calibration needs 10", id="few speakers"),
        pytest.param("hiss.wav", None, "a.npz", "not a tab-separated list", id="no manifest"),
        pytest.param("manifest.tsv", None, "nowhere/a.npz", "nowhere is no directory", id="no place to write to"),
        pytest.param("manifest.tsv", "silence.tsv", "a.npz", "cannot be read", id="no noise"),
    ],
)
def test_what_cannot_be_is_told(root: Path, manifest: str, noise: str | None, output: str, says: str, tmp_path: Path) -> None:
    asked = Asked(root / manifest, root, noise=root / noise if noise else None, output=tmp_path / output)
    with pytest.raises(CalibrationError, match=says):
        list(calibrate(asked, CONFIG, FakeEncoder()))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shift", [4.0, 0.0])
def test_scores_are_normalised_where_that_tells_more_of_other_voices(shift: float) -> None:
    made = Voices(40, shift=shift).material(4)
    calibrated = fitted("made-up-1", made)
    assert calibrated.normalised is not None
    assert (calibrated.normalised.cost < calibrated.plain.cost) == (len(calibrated.calibration.cohort.voices) > 0)


def test_without_others_scores_are_cosines() -> None:
    made = Voices(20).material(4)
    calibrated = fitted("made-up-1", replace(made, others=Cohort.none().voices))
    assert calibrated.normalised is None
    assert not len(calibrated.calibration.cohort.voices)
