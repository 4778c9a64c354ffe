from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calibration.calibration import Calibration, CalibrationFileError, calibration_path, read_calibration
from models.calibration.cohort import Cohort
from models.calibration.leeway import NO_LEEWAY, Leeway
from models.calibration.quality import Quality
from models.weights import ModelFileError, read_card
from tests.calibrated import plain_calibration
from tests.models.calibration.voices import SIZE, Voices

QUALITY = Quality(speech=1.0, snr=20.0, bandwidth=7000.0, enrolled=10.0, recordings=3)


def with_cohort() -> Calibration:
    plain = plain_calibration()
    return Calibration(plain.model_id, plain.model, Cohort(Voices(1).others(60)), replace(plain.boundaries, leeway=Leeway(1.5, 2.5)))


def test_a_file_tells_all_there_is(tmp_path: Path) -> None:
    written = with_cohort()
    written.write(tmp_path / "a.npz")
    read = read_calibration(tmp_path / "a.npz", "fake-1")
    voices = Voices(4, seed=1)
    prints = np.array([voices.enrollment(speaker, 0).voiceprint for speaker in range(4)])
    heard = voices.trajectory(0).embeddings
    ratios = [each.llrs(each.scores(heard, each.enrolled(prints)), QUALITY) for each in (written, read)]
    assert ratios[1] == pytest.approx(ratios[0], abs=0.5, rel=0.01)
    assert read.boundaries.pair(0.01, 0.05) == pytest.approx(written.boundaries.pair(0.01, 0.05), abs=1e-4)
    assert read.boundaries.mutual == written.boundaries.mutual
    assert read.boundaries.change_at == written.boundaries.change_at
    assert read.boundaries.leeway == written.boundaries.leeway


def rewritten(path: Path, **changes: NDArray[np.float64]) -> None:
    """Write a calibration, and change some of its arrays; empty ones are left out."""
    with_cohort().write(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changes
    np.savez(path, allow_pickle=False, **{name: array for name, array in arrays.items() if array.size})


def test_files_of_before_there_was_leeway_have_none(tmp_path: Path) -> None:
    rewritten(tmp_path / "a.npz", leeway=np.empty(0))
    assert read_calibration(tmp_path / "a.npz", "fake-1").boundaries.leeway == NO_LEEWAY


@pytest.mark.parametrize("leeway", [[-1.0, 0.0], [0.0, -0.1], [np.nan, 0.0], [1.0]])
def test_a_leeway_that_cannot_be_is_refused(leeway: list[float], tmp_path: Path) -> None:
    rewritten(tmp_path / "a.npz", leeway=np.array(leeway))
    with pytest.raises(CalibrationFileError, match="leeway"):
        read_calibration(tmp_path / "a.npz", "fake-1")


def test_the_same_calibration_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        with_cohort().write(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_calibration_of_another_model_is_refused(tmp_path: Path) -> None:
    plain_calibration("other-1").write(tmp_path / "a.npz")
    with pytest.raises(CalibrationFileError, match=r"of the model other-1, not fake-1"):
        read_calibration(tmp_path / "a.npz", "fake-1")


def test_a_missing_file_is_told_as_a_models_is(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is missing: make it with `speakerd calibrate`"):
        read_calibration(tmp_path / "a.npz", "fake-1")


@pytest.mark.parametrize(
    "content", [pytest.param(b"", id="empty"), pytest.param(b"PK\x03\x04 and no more", id="cut"), pytest.param(b"x" * 99, id="text")]
)
def test_what_is_no_calibration_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CalibrationFileError, match="is not a calibration"):
        read_calibration(tmp_path / "a.npz", "fake-1")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("format", np.array(2), "format", id="a later format"),
        pytest.param("slope", np.ones(5), "slope", id="a feature too few"),
        pytest.param("offset", np.full(6, np.nan), "offset", id="not a number"),
        pytest.param("impostor_body", np.ones((2, 3)), "impostor_body", id="another table"),
        pytest.param("cohort", np.ones(3), "cohort", id="no vectors"),
        pytest.param("mutual", np.array(["a", "b", "c"]), "could not convert", id="words"),
        pytest.param("change_at", None, "change_at", id="missing"),
    ],
)
def test_altered_files_are_refused(
    name: str, value: np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    plain_calibration().write(path)
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files if key != name}
    np.savez(path, allow_pickle=False, **arrays, **({} if value is None else {name: value}))
    with pytest.raises(CalibrationFileError, match=says):
        read_calibration(path, "fake-1")


def test_it_is_beside_the_card() -> None:
    path = calibration_path(read_card("edge"))
    assert (path.parent, path.name) == (read_card("edge").path.parent, "edge-calibration.npz")


def test_the_seconds_until_a_decision() -> None:
    calibration = plain_calibration()
    # The ratio grows by 20 times the logarithm of the speech: from 2 to 4 with a factor of exp(0.1).
    calibration.model.offset[1] = 20.0
    score = 0.54
    further = calibration.expected_seconds(score, QUALITY, 4.0, -4.0, budget=8.0)
    assert further == pytest.approx(np.exp(0.1) - 1, abs=0.08)
    assert calibration.expected_seconds(score, QUALITY, 2.0, -4.0, budget=8.0) == 0.0
    assert calibration.expected_seconds(score, QUALITY, 1000.0, -4.0, budget=8.0) is None
    assert calibration.expected_seconds(0.2, QUALITY, 4.0, -4.0, budget=8.0) == 0.0
    assert calibration.expected_seconds(score, Quality(9.0, 20.0, 7000.0, 10.0, 3), 1000.0, -4.0, budget=8.0) is None


def test_scores_of_a_calibration_are_those_of_its_cohort() -> None:
    calibration = with_cohort()
    prints = np.eye(SIZE)[:2]
    heard = np.ones(SIZE)
    expected = calibration.cohort.scores(heard, calibration.cohort.enrolled(prints))
    assert calibration.scores(heard, calibration.enrolled(prints)) == pytest.approx(expected)
