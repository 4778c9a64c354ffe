"""Exact intervals of shares, for where there are too few errors for any other.

Clopper and Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial", Biometrika 26 (4), 1934.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

CONFIDENCE: Final = 0.95
TAIL: Final = (1.0 - CONFIDENCE) / 2.0
FEW: Final = 10
"""With fewer errors than these, or fewer non-errors, a bootstrap cannot be trusted alone: what was never seen is in no draw."""
_HALVINGS: Final = 60


def clopper_pearson(count: int, total: int) -> tuple[float, float]:
    """Return the exact interval of a share of `count` in `total` independent attempts, total > 0."""
    if count > total - count:
        low, high = clopper_pearson(total - count, total)
        return 1.0 - high, 1.0 - low
    low = 0.0 if count == 0 else where(lambda share: 1.0 - _binomial(count - 1, total, share), TAIL, 1.0)
    return low, where(lambda share: 1.0 - _binomial(count, total, share), 1.0 - TAIL, 1.0)


def few(count: int, total: int) -> bool:
    """Return whether there are fewer than `FEW` errors, or non-errors."""
    return min(count, total - count) < FEW


def widened(low: float, high: float, count: int, total: int) -> tuple[float, float]:
    """Return an interval that reaches at least as far as the exact one, total > 0."""
    exact = clopper_pearson(count, total)
    return min(low, exact[0]), max(high, exact[1])


def where(rising: Callable[[float], float], value: float, top: float) -> float:
    """Return where in [0, top] a rising function passes `value`."""
    low, high = 0.0, top
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2.0


def _binomial(count: int, total: int, share: float) -> float:
    """Return the probability of at most `count` in `total`."""
    if share <= 0.0 or share >= 1.0:
        return 1.0 if share <= 0.0 or count >= total else 0.0
    odds = math.log(share), math.log1p(-share)
    ways = (
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * odds[0] + (total - k) * odds[1]
        for k in range(count + 1)
    )
    return math.fsum(map(math.exp, ways))
