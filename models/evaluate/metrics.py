"""Error rates of a detector from the scores of its target and non-target trials.

Martin et al., "The DET Curve in Assessment of Detection Task Performance", Eurospeech 1997; the detection cost is that of the
NIST speaker recognition evaluations, normalised by the cost of the better of the two decisions that need no audio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]
"""Scores, counts or rates of any float type."""


@dataclass(frozen=True)
class ErrorRates:
    """The operating points of a detector, from the threshold that accepts all trials to the one that accepts none.

    miss: share of target trials rejected, (points,), from 0 to 1. false_accept: share of non-target trials accepted, from 1 to 0.
    """

    miss: Values
    false_accept: Values

    def equal_error_rate(self) -> float:
        """Return the rate at which misses and false accepts are equally frequent, 0 to 1.

        Where no threshold makes them so, the straight line between the two nearest operating points tells.
        """
        # The first point has only false accepts and the last one only misses, so they cross between two points.
        after = int(np.argmax(self.miss >= self.false_accept))
        gap = self.false_accept - self.miss
        share = gap[after - 1] / (gap[after - 1] - gap[after])
        return float(self.miss[after - 1] + share * (self.miss[after] - self.miss[after - 1]))

    def min_cost(self, target_prior: float) -> float:
        """Return the lowest detection cost of any threshold, where a miss and a false accept cost 1 each, over that of no detector."""
        costs = target_prior * self.miss + (1.0 - target_prior) * self.false_accept
        return float(costs.min() / min(target_prior, 1.0 - target_prior))


def error_rates(target_scores: Values, nontarget_scores: Values) -> ErrorRates:
    """Return the operating points for trials with these scores, in any order. Raises `ValueError` where either side is empty."""
    levels, ranks = np.unique(np.concatenate([target_scores, nontarget_scores]), return_inverse=True)
    target_ranks, nontarget_ranks = np.split(ranks, [len(target_scores)])
    return rates_of_counts(np.bincount(target_ranks, minlength=len(levels)), np.bincount(nontarget_ranks, minlength=len(levels)))


def rates_of_counts(targets: NDArray[np.number], nontargets: NDArray[np.number]) -> ErrorRates:
    """Return the operating points from the count of trials at each distinct score, (scores,), lowest score first.

    Counts may be weights. Raises `ValueError` where either side has none.
    """
    if not targets.any() or not nontargets.any():
        raise ValueError("error rates need at least one target and one non-target trial")
    rejected_targets = np.concatenate([[0.0], np.cumsum(targets)])
    rejected_nontargets = np.concatenate([[0.0], np.cumsum(nontargets)])
    return ErrorRates(rejected_targets / rejected_targets[-1], 1.0 - rejected_nontargets / rejected_nontargets[-1])


def equal_error_rate(target_scores: Values, nontarget_scores: Values) -> float:
    """Return the equal error rate in percent. Raises `ValueError` where either side is empty."""
    return 100.0 * error_rates(target_scores, nontarget_scores).equal_error_rate()
