"""A calibration as a file beside its model: from embeddings to log-likelihood ratios, and the boundaries for them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration.boundary import Boundaries, Mutual
from models.calibration.cohort import Cohort, Enrolled
from models.calibration.extremes import CHANCES, Extremes
from models.calibration.leeway import NO_LEEWAY, Leeway
from models.calibration.quality import FEATURES, Quality, Rows
from models.calibration.score import ScoreModel
from models.weights import Card, ModelFileError

FORMAT: Final = 1
STEP_SECONDS: Final = 0.08
"""How finely the further seconds of speech are told."""


class CalibrationFileError(ModelFileError):
    """A calibration is missing, malformed, or of another model; the message names the file and what to do."""


@dataclass(frozen=True)
class Calibration:
    """What is known of the scores of the model `model_id`, and nothing of any other."""

    model_id: str
    model: ScoreModel
    cohort: Cohort
    boundaries: Boundaries

    def enrolled(self, voiceprints: NDArray[np.floating]) -> Enrolled:
        """Prepare voiceprints (n, d), once for as long as they stay the same."""
        return self.cohort.enrolled(voiceprints)

    def scores(self, embedding: NDArray[np.floating], enrolled: Enrolled) -> Rows:
        """Return the scores of embeddings (..., d) with each enrolled voice, (..., n): cosines, normalised if there is a cohort."""
        return self.cohort.scores(embedding, enrolled)

    def llrs(self, scores: Rows, quality: Quality) -> Rows:
        """Return the natural log-likelihood ratios of scores (...,) of this quality; fields of the quality broadcast with them."""
        return self.model.llrs(scores, quality)

    def expected_seconds(self, score: float, quality: Quality, accept: float, reject: float, budget: float) -> float | None:
        """Return after how much more speech the same score, of one trial, would be decided; None: not within `budget` seconds in all."""
        speech = float(np.asarray(quality.speech))
        further = STEP_SECONDS * np.arange(1 + max(0, ceil((budget - speech) / STEP_SECONDS)))
        ratios = self.llrs(np.float64(score) * np.ones(len(further)), replace(quality, speech=speech + further))
        decided = np.flatnonzero((ratios >= accept) | (ratios <= reject))
        return float(further[decided[0]]) if len(decided) else None

    def write(self, path: Path) -> None:
        """Write the file that `read_calibration` reads; the same calibration gives the same bytes."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **_arrays(self))
        path.write_bytes(buffer.getvalue())


def calibration_path(card: Card) -> Path:
    """Return where the calibration of a model is: beside its card."""
    return card.path.with_name(f"{card.path.stem}-calibration.npz")


def read_calibration(path: Path, model_id: str) -> Calibration:
    """Return the calibration in a file. Raises `CalibrationFileError` unless it is one, of the model `model_id`."""
    try:
        # From memory: numpy leaves a file open that it cannot read.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise CalibrationFileError(f"{path} is missing: make it with `speakerd calibrate`, or reinstall speakerd") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CalibrationFileError(f"{path} is not a calibration: {error}") from None
    try:
        calibration = _calibration(arrays)
    except (KeyError, ValueError, TypeError) as error:
        raise CalibrationFileError(f"{path} is not a calibration: {error}") from None
    if calibration.model_id != model_id:
        raise CalibrationFileError(f"{path} is of the model {calibration.model_id}, not {model_id}: make another with `speakerd calibrate`")
    return calibration


def _arrays(calibration: Calibration) -> dict[str, NDArray[np.generic]]:
    bounds = calibration.boundaries
    mutual = bounds.mutual
    sides = {"impostor": bounds.impostor, "owner": bounds.owner}
    tables = {f"{side}_{name}": np.float32(getattr(table, name)) for side, table in sides.items() for name in ("ends", "body", "scale")}
    return {
        "format": np.array(FORMAT),
        "model_id": np.array(calibration.model_id),
        "slope": calibration.model.slope,
        "offset": calibration.model.offset,
        "cohort": calibration.cohort.voices.astype(np.float16),
        "mutual": np.array([mutual.slope, mutual.offset, mutual.deviation]),
        "change_at": np.array(bounds.change_at),
        "leeway": np.array([bounds.leeway.noise, bounds.leeway.band]),
        **{name: np.asarray(table) for name, table in tables.items()},
    }


def _calibration(arrays: dict[str, NDArray[np.generic]]) -> Calibration:
    """Raises `KeyError`, `ValueError` or `TypeError` for arrays that are not those of a calibration."""
    if arrays["format"].shape or int(arrays["format"]) != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    real = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items() if name != "model_id"}
    if broken := [name for name, array in real.items() if not np.isfinite(array).all()]:
        raise ValueError(f"{broken[0]} is not finite")
    cohort = _shaped(real, "cohort", (None, None))
    model = ScoreModel(_shaped(real, "slope", (FEATURES,)), _shaped(real, "offset", (FEATURES,)))
    mutual = Mutual(*_shaped(real, "mutual", (3,)).tolist())
    change_at = float(_shaped(real, "change_at", ()))
    # Files that were made before there was any leeway hold boundaries for none.
    leeway = Leeway(*_shaped(real, "leeway", (2,)).tolist()) if "leeway" in real else NO_LEEWAY
    if min(leeway.noise, leeway.band) < 0.0:
        raise ValueError("its leeway is negative")
    boundaries = Boundaries(_extremes(real, "impostor"), _extremes(real, "owner"), mutual, change_at, leeway)
    return Calibration(str(arrays["model_id"]), model, Cohort(cohort), boundaries)


def _extremes(real: dict[str, Rows], side: str) -> Extremes:
    ends = _shaped(real, f"{side}_ends", (None,))
    body = _shaped(real, f"{side}_body", (len(ends), len(CHANCES)))
    return Extremes(ends, body, _shaped(real, f"{side}_scale", (len(ends),)))


def _shaped(real: dict[str, Rows], name: str, shape: tuple[int | None, ...]) -> Rows:
    array = real[name]
    if array.ndim != len(shape) or any(size not in {None, found} for size, found in zip(shape, array.shape, strict=True)):
        raise ValueError(f"{name} is of shape {array.shape}")
    return array
