"""How good a calibration is on voices that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.calibration.attempts import Material
from models.calibration.cohort import Cohort
from models.calibration.fit import USUAL, check, fit_trials, information_loss, looks_at, usual
from models.calibration.folds import fold_count, split
from models.calibration.rates import Outcomes, joined, outcomes
from models.calibration.trials import build_trials


@dataclass(frozen=True)
class Assessment:
    """cost: mean information loss of the ratios in bits, 1 for ratios that say nothing; NaN where no fold has both kinds of trial.

    outcomes: of attempts at the usual targets.
    """

    cost: float
    outcomes: Outcomes


def assess(material: Material, cohort: Cohort) -> Assessment:
    """Measure a calibration with this cohort, fitted on the other folds of speakers each time.

    Raises `MaterialError` where there are too few speakers.
    """
    trials = build_trials(material.attempts, material.enrollments, cohort)
    check(trials)
    typical, folds = usual(material.enrollments), fold_count(material.enrollments)
    costs, parts = [], []
    for fold in range(folds):
        others, own = split(trials, material.enrollments, fold, folds)
        if not looks_at(others, material.enrollments).complete:
            continue
        model, boundaries = fit_trials(others, (), material.enrollments)
        own = [each.among(typical) for each in own]
        if (looks := looks_at(own, material.enrollments)).complete:
            costs.append(information_loss(looks, model))
        parts.append(outcomes(own, material.enrollments, model, boundaries.pair(*USUAL), boundaries.leeway))
    return Assessment(float(np.mean(costs)) if costs else float("nan"), joined(parts))
