"""How far a measured rate can be trusted: 95 % intervals that know how few errors there were, and how few people.

Attempts of one person are far from independent, and so are the attempts of one impostor at many voices: an interval that counts
attempts is too narrow. People are therefore drawn with replacement (the first step of Poh, Martin and Bengio, "Performance
Generalization in Biometric Authentication Using Joint User-Specific and Sample Bootstraps", IEEE TPAMI 29 (3), 2007). But what was seen
in no attempt, or in a handful, is in every draw as rare: the bootstrap of zero errors is the point zero. Where there are fewer than
`FEW` errors (or non-errors), the interval is the exact one of Clopper and Pearson ("The Use of Confidence or Fiducial Limits Illustrated
in the Case of the Binomial", Biometrika 26 (4), 1934), which covers at least as often as it says for independent attempts. It reaches
at least as far as the bootstrap's, where there is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration.exact import TAIL, few, where, widened

REPLICATES: Final = 1000
BOOTSTRAP: Final = "bootstrap over speakers"
EXACT: Final = "Clopper-Pearson"
POISSON: Final = "exact Poisson"

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Rate:
    """A share of `count` in `total`, its 95 % interval and how that was found. rate and interval are None where `total` is 0."""

    count: int
    total: int
    rate: float | None
    interval: tuple[float, float] | None
    method: str


@dataclass(frozen=True)
class Frequency:
    """How often something happens: `count` times in `hours`, and the 95 % interval per hour, None where there are no hours."""

    count: int
    hours: float
    per_hour: float | None
    interval: tuple[float, float] | None
    method: str = POISSON


@dataclass(frozen=True)
class Tally:
    """Attempts, and the errors among them, by who is claimed (row) and who speaks (column); both (speakers, speakers)."""

    errors: Counts
    attempts: Counts

    @classmethod
    def of(cls, one: NDArray[np.intp], other: NDArray[np.intp], errors: NDArray[np.bool_], speakers: int) -> Tally:
        """Count attempts; all of them (attempts,)."""
        cells = one * speakers + other
        shape = (speakers, speakers)
        return cls(*(_counted(cells, weights, shape) for weights in (errors.astype(np.float64), np.ones(len(cells)))))

    def resampled(self, drawn: Counts) -> tuple[Counts, Counts]:
        """Return errors and attempts in each replicate, (replicates,), where speakers are drawn so often, (replicates, speakers).

        An attempt of someone at their own voice counts as often as they are drawn, another as often as the pair of them.
        """
        errors, attempts = (_weighed(counts, drawn) for counts in (self.errors, self.attempts))
        return errors, attempts


def rate(tallies: list[Tally], seed: int) -> Rate:
    """Return the rate over all tallies, each with speakers of its own, who are drawn apart from those of the others."""
    count, total = (round(sum(float(counts.sum()) for counts in kind)) for kind in _kinds(tallies))
    if not total:
        return Rate(0, 0, None, None, EXACT)
    low, high = _bootstrap(tallies, seed)
    method = BOOTSTRAP
    if few(count, total):
        (low, high), method = widened(low, high, count, total), EXACT
    return Rate(count, total, count / total, (low, high), method)


def frequency(count: int, hours: float) -> Frequency:
    """Return how often per hour, with the exact interval of a Poisson process (Garwood, Biometrika 28 (3/4), 1936)."""
    if hours <= 0:
        return Frequency(count, hours, None, None)
    top = 10.0 + 3.0 * count + 10.0 * math.sqrt(count + 1.0)
    low = 0.0 if count == 0 else where(lambda mean: 1.0 - _poisson(count - 1, mean), TAIL, top)
    high = where(lambda mean: 1.0 - _poisson(count, mean), 1.0 - TAIL, top)
    return Frequency(count, hours, count / hours, (low / hours, high / hours))


def _counted(cells: NDArray[np.intp], weights: Counts, shape: tuple[int, int]) -> Counts:
    return np.asarray(np.bincount(cells, weights, shape[0] * shape[1]), dtype=np.float64).reshape(shape)


def _kinds(tallies: list[Tally]) -> tuple[list[Counts], list[Counts]]:
    return [tally.errors for tally in tallies], [tally.attempts for tally in tallies]


def _bootstrap(tallies: list[Tally], seed: int) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    errors, attempts = np.zeros(REPLICATES), np.zeros(REPLICATES)
    for tally in tallies:
        speakers = len(tally.errors)
        drawn = random.multinomial(speakers, np.full(speakers, 1.0 / speakers), size=REPLICATES).astype(np.float64)
        more_errors, more_attempts = tally.resampled(drawn)
        errors, attempts = errors + more_errors, attempts + more_attempts
    some = attempts > 0
    low, high = np.percentile(errors[some] / attempts[some], [100.0 * TAIL, 100.0 * (1.0 - TAIL)])
    return float(low), float(high)


def _weighed(counts: Counts, drawn: Counts) -> Counts:
    own = np.diagonal(counts)
    others = counts - np.diag(own)
    weighed: Counts = drawn @ own + np.einsum("rs,rs->r", drawn @ others, drawn)
    return weighed


def _poisson(count: int, mean: float) -> float:
    """Return the probability of at most `count` events where `mean` are expected."""
    if mean <= 0.0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))
