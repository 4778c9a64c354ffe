"""Scores as log-likelihood ratios, and what their values are worth when a threshold is fixed beforehand.

Calibration is an affine map of scores, fitted by logistic regression with both kinds of trial weighing the same; the cost of
log-likelihood ratios is their mean information loss (Brümmer and du Preez, "Application-independent evaluation of speaker detection",
Computer Speech & Language 20, 2006). No trial is calibrated by a map that was fitted on trials of one of its speakers: speakers are
dealt into folds, and the trials between two folds are calibrated by the trials among the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration.regression import balanced, fit_log_odds
from models.evaluate.metrics import Values

FOLDS: Final = 5
_RIDGE: Final = 1e-6
"""Weight of the squared slope, for scores of one standard deviation: keeps it finite where scores separate the trials completely."""


@dataclass(frozen=True)
class Calibration:
    """Affine maps from score to natural log-likelihood ratio; slope and offset: (folds, folds), by the folds of a trial's speakers."""

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]

    def ratios(self, scores: Values, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the log-likelihood ratios of trials between speakers of these folds; all arguments are (trials,)."""
        calibrated: NDArray[np.float64] = self.slope[one, other] * scores + self.offset[one, other]
        return calibrated


def calibrate(scores: Values, target: NDArray[np.bool_], one: NDArray[np.intp], other: NDArray[np.intp]) -> Calibration | None:
    """Fit a map for each pair of folds, from 0 to FOLDS - 1, on the trials of the other folds; all arguments are (trials,).

    Returns None where the speakers are too few: without those of two folds, target or non-target trials are missing.
    """
    slope, offset = np.zeros((2, FOLDS, FOLDS))
    for pair in combinations_with_replacement(range(FOLDS), 2):
        others = ~(np.isin(one, pair) | np.isin(other, pair))
        if not (others & target).any() or not (others & ~target).any():
            return None
        fitted = fit_logistic(scores[others & target], scores[others & ~target])
        slope[pair], offset[pair] = slope[pair[::-1]], offset[pair[::-1]] = fitted
    return Calibration(slope, offset)


def fit_logistic(target_scores: Values, nontarget_scores: Values) -> tuple[float, float]:
    """Return the slope and offset whose log-likelihood ratios cost least on these trials. Neither side may be empty."""
    scores = np.concatenate([target_scores, nontarget_scores]).astype(np.float64)
    mean, deviation = scores.mean(), scores.std() or 1.0
    target = np.arange(len(scores)) < len(target_scores)
    inputs = np.stack([(scores - mean) / deviation, np.ones_like(scores)], axis=1)
    slope, offset = fit_log_odds(inputs, target, balanced(target), np.array([_RIDGE, 0.0])).tolist()
    return slope / deviation, offset - slope * mean / deviation


def ratio_cost(target_ratios: Values, nontarget_ratios: Values) -> float:
    """Return Cllr in bits, the mean cost of these log-likelihood ratios over all priors: 1 for ratios that say nothing."""
    misses = np.logaddexp(0.0, -target_ratios).mean()
    false_accepts = np.logaddexp(0.0, nontarget_ratios).mean()
    return float((misses + false_accepts) / (2 * log(2)))


def actual_cost(target_ratios: Values, nontarget_ratios: Values, target_prior: float) -> float:
    """Return the detection cost of accepting where the ratio outweighs the prior, normalised as `ErrorRates.min_cost` is."""
    threshold = log((1.0 - target_prior) / target_prior)
    miss, false_accept = np.mean(target_ratios <= threshold), np.mean(nontarget_ratios > threshold)
    cost = target_prior * miss + (1.0 - target_prior) * false_accept
    return float(cost / min(target_prior, 1.0 - target_prior))
