"""Logistic regression, convex, by Newton's method."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 50
_TOLERANCE: Final = 1e-9


def balanced(target: NDArray[np.bool_], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return weights of trials, (n,), in the proportions given, with which targets weigh 1/2 in all, and so do non-targets."""
    shares = np.ones(len(target)) if weights is None else weights
    return np.where(target, 0.5 * shares / (shares @ target), 0.5 * shares / (shares @ ~target))


def fit_log_odds(
    inputs: NDArray[np.float64],
    target: NDArray[np.bool_],
    weights: NDArray[np.float64],
    ridge: NDArray[np.float64],
    shift: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Return x, (k,): inputs @ x + shift are the log odds of being a target that cost least on these trials.

    inputs: (n, k). target, weights: (n,). ridge: (k,), the weights of the squares of x in the cost, which keep x finite. shift: (n,) or
    of all, the log odds before anything is known.
    """
    signs = np.where(target, 1.0, -1.0)
    signed, known = inputs * signs[:, None], signs * shift

    def loss(point: NDArray[np.float64]) -> float:
        return float(weights @ np.logaddexp(0.0, -signed @ point - known) + ridge @ point**2 / 2)

    point = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        wrong = np.exp(-np.logaddexp(0.0, signed @ point + known))
        gradient = ridge * point - signed.T @ (weights * wrong)
        hessian = (signed * (weights * wrong * (1.0 - wrong))[:, None]).T @ signed + np.diag(ridge)
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        # Newton's step may overshoot where the odds are long.
        while loss(point - step) > loss(point) and np.abs(step).max() > _TOLERANCE:
            step = step / 2
        point = point - step
        if np.abs(step).max() <= _TOLERANCE:
            break
    return point
