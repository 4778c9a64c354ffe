"""What `speakerd evaluate-decisions` does: check what is asked for, measure it, tell it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from math import isfinite
from typing import Final

from pydantic import ValidationError
from rich.console import Console

from daemon.config import Config, DecisionConfig
from daemon.errors import EvaluationError
from daemon.evaluation.bench import Setting
from daemon.evaluation.measure import Plan, measure
from daemon.evaluation.options import Asked
from daemon.evaluation.output import as_tables
from daemon.evaluation.report import Report, as_json
from models.calibration.calibration import Calibration
from models.encoder import Encoder
from models.evaluate.conditions import Condition, ConditionError
from models.evaluate.output import PICTURES
from models.manifest import ManifestError, check_files, read_manifest, read_paths

NOISE_HOURS: Final = 2.0
"""How long noise is heard, if any is named and nothing else is said."""
WIDTH: Final = 110
"""Of tables where there is no terminal, in characters."""


def with_targets(config: Config, far: float | None, frr: float | None) -> Config:
    """Return the configuration with these targets per attempt. Raises `EvaluationError` for rates that cannot be."""
    asked = {"false_accept_rate": far, "false_reject_rate": frr}
    values = config.decision.model_dump() | {name: rate for name, rate in asked.items() if rate is not None}
    try:
        return config.model_copy(update={"decision": DecisionConfig(**values)})
    except ValidationError as error:
        why = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise EvaluationError(f"--far {far} and --frr {frr} cannot be: {why}") from None


def evaluate(asked: Asked, config: Config, encoder: Callable[[], Encoder], calibration: Calibration) -> None:
    """Measure and print; write JSON and a picture where they are asked for.

    encoder: loads the model of the calibration, here or in another process. Raises `EvaluationError` with what to do.
    """
    _check(asked)
    try:
        report = _measure(asked, config, encoder, calibration)
        _write(asked, report)
    except (ConditionError, ManifestError, OSError) as error:
        raise EvaluationError(str(error)) from None


def _check(asked: Asked) -> None:
    """Refuse what cannot be before anything is measured, which takes minutes."""
    for output in filter(None, (asked.json, asked.plot)):
        if not output.parent.is_dir():
            raise EvaluationError(f"{output} cannot be written: {output.parent} is no directory")
    for option, number in (("--snr", asked.snr), ("--noise-hours", asked.noise_hours)):
        if number is not None and not isfinite(number):
            raise EvaluationError(f"{option} {number} is no number to measure with")
    if asked.snr is not None and not asked.noise:
        raise EvaluationError("--snr needs noise to add: name a list of recordings of it with --noise")
    if asked.plot and asked.plot.suffix not in PICTURES:
        raise EvaluationError(f"--plot {asked.plot}: a picture's name ends in {', '.join(PICTURES)}")
    if asked.plot and not find_spec("matplotlib"):
        raise EvaluationError("--plot needs matplotlib: pip install matplotlib, or the extra `train`")


def _measure(asked: Asked, config: Config, encoder: Callable[[], Encoder], calibration: Calibration) -> Report:
    noises = tuple(read_paths(asked.noise, asked.noise_root or asked.root)) if asked.noise else ()
    if asked.noise and not noises:
        raise EvaluationError(f"{asked.noise} lists no noise")
    recordings = read_manifest(asked.manifest, asked.root)
    check_files([*(recording.path for recording in recordings), *noises])
    hours = asked.noise_hours if asked.noise_hours is not None else NOISE_HOURS if noises else 0.0
    condition = None if asked.snr is None else Condition("noise", asked.snr, noises)
    setting = Setting(with_targets(config, asked.far, asked.frr), encoder, calibration, condition)
    return measure(recordings, setting, Plan(noises, hours, asked.change_rounds if asked.changes else 0, asked.seed), asked.jobs)


def _write(asked: Asked, report: Report) -> None:
    # A pipe has no width that tables should be cut to.
    Console(width=None if sys.stdout.isatty() else WIDTH).print(as_tables(report), highlight=False)
    if asked.json:
        asked.json.write_text(json.dumps(as_json(report), indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        # Imported here because only plots need matplotlib.
        from daemon.evaluation.plot import save_plot  # noqa: PLC0415

        save_plot(report, asked.plot)
