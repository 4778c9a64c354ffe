"""What `speakerd calibrate` does: hear recordings, fit a calibration, tell how good it is on other voices, write it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import NamedTuple

from daemon.calibrating.material import Studio
from daemon.calibrating.options import Asked
from daemon.config import Config
from daemon.errors import CalibrationError
from models.calibration.assess import Assessment, assess
from models.calibration.attempts import Material, MaterialError
from models.calibration.calibration import Calibration, calibration_path, read_calibration
from models.calibration.cohort import Cohort
from models.calibration.fit import USUAL, fit
from models.calibration.quality import Rows
from models.encoder import Encoder
from models.evaluate.conditions import ConditionError
from models.manifest import ManifestError, read_manifest, read_paths
from models.weights import ModelFileError, read_card


class Calibrated(NamedTuple):
    """A calibration, and how good it is without its cohort and with it; None: there is none."""

    calibration: Calibration
    plain: Assessment
    normalised: Assessment | None


def calibrate(asked: Asked, config: Config, encoder: Encoder) -> Iterator[str]:
    """Calibrate the encoder and write the file; yield lines that tell how it went. Raises `CalibrationError` with what to do."""
    output = asked.output or Path(f"{read_card(config.model.name).path.stem}-calibration.npz")
    if not output.parent.is_dir():
        raise CalibrationError(f"{output} cannot be written: {output.parent} is no directory")
    try:
        material = _material(asked, config, encoder)
        made = fitted(encoder.model_id, material)
        made.calibration.write(output)
    except (ConditionError, ManifestError, MaterialError, OSError) as error:
        raise CalibrationError(str(error)) from None
    yield f"model        {encoder.model_id}"
    yield f"heard        {_heard(material)}"
    yield f"scores       {_scores(made)}"
    yield from _rates(made)
    yield f"written      {output}"


def fitted(model_id: str, material: Material) -> Calibrated:
    """Fit a calibration, its scores normalised by the other voices if that tells more of voices that it was not fitted on.

    Raises `MaterialError` where there are too few speakers.
    """
    plain = assess(material, Cohort.none())
    normalised = assess(material, Cohort(material.others)) if len(material.others) else None
    helps = normalised is not None and normalised.cost < plain.cost
    return Calibrated(fit(model_id, material, Cohort(material.others) if helps else Cohort.none()), plain, normalised)


def _material(asked: Asked, config: Config, encoder: Encoder) -> Material:
    noises = read_paths(asked.noise, asked.noise_root or asked.root) if asked.noise else []
    studio = Studio(read_manifest(asked.manifest, asked.root), encoder, config, noises, seed=asked.seed)
    material = studio.material(held_out_only=asked.held_out_only)
    return material if asked.held_out_only else replace(material, others=_shipped_cohort(config, encoder))


def _shipped_cohort(config: Config, encoder: Encoder) -> Rows:
    """Return the voices that the model's own calibration compares with, none if it has none: other voices, like any."""
    try:
        shipped = read_calibration(calibration_path(read_card(config.model.name)), encoder.model_id)
    except ModelFileError:
        return Cohort.none().voices
    return shipped.cohort.voices


def _heard(material: Material) -> str:
    voices = {(one.corpus, one.speaker) for one in material.enrollments}
    speakers = {(one.corpus, one.speaker) for one in material.attempts}
    enrolled = f"{len(voices)} voices enrolled {len(material.enrollments)} times"
    return f"{len(material.attempts)} attempts of {len(speakers)} speakers; {enrolled}"


def _scores(made: Calibrated) -> str:
    if isnan(made.plain.cost):
        return "cosines; how much they tell was not measured: too few speakers of one corpus to leave some out"
    plain = f"{made.plain.cost:.3f} bits"
    if made.normalised is None:
        return f"cosines, for want of a cohort; information lost: {plain}"
    kept = "normalised by a cohort" if len(made.calibration.cohort.voices) else "cosines"
    return f"{kept}; information lost: {plain} by cosines, {made.normalised.cost:.3f} bits normalised"


def _rates(made: Calibrated) -> Iterator[str]:
    """Tell what came of attempts, each decided by a calibration that knows none of its speakers."""
    assessed = made.normalised if made.normalised and len(made.calibration.cohort.voices) else made.plain
    told = assessed.outcomes
    far, frr = USUAL
    for who, target, wrong, right, wanted in (
        ("impostors  ", False, told.accepted, told.rejected, f"accepted, wanted {far:.0%}"),
        ("owners     ", True, told.rejected, told.accepted, f"rejected, wanted {frr:.0%}"),
    ):
        seconds = told.median_seconds(right & (told.target == target))
        done = "accepted" if target else "rejected"
        yield f"{who}  {told.rate(wrong, target=target)} {wanted}; {told.rate(right, target=target)} {done}, after {seconds:.1f} s (median)"
    for condition in sorted(set(told.conditions.tolist())):
        some = told.under(condition)
        impostors, owners = some.rate(some.accepted, target=False), some.rate(some.rejected, target=True)
        yield f"  {condition:<11}{impostors} of impostors accepted; {owners} of owners rejected"
