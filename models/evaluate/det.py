"""DET plots: misses over false accepts on axes where the curve of normally distributed scores is a straight line.

Martin et al., "The DET Curve in Assessment of Detection Task Performance", Eurospeech 1997.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.evaluate.metrics import ErrorRates, Values

LOWEST, HIGHEST = 0.0005, 0.6
"""Range of both axes."""
TICKS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_DEVIATE: Final = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])


def save_plot(curves: Mapping[str, ErrorRates], path: Path) -> None:
    """Draw the curve of each embedding by name, with its equal error rate; write a picture of the kind that the path's suffix says."""
    figure = Figure(figsize=(6.0, 6.0), dpi=150, layout="constrained")
    axes = figure.add_subplot(aspect="equal", xlabel="false accepts, %", ylabel="misses, %")
    for name, rates in curves.items():
        axes.plot(deviates(rates.false_accept), deviates(rates.miss), label=f"{name}, EER {100.0 * rates.equal_error_rate():.2f} %")
    ticks, labels = deviates(np.array(TICKS)), [f"{100.0 * tick:g}" for tick in TICKS]
    limits = deviates(np.array([LOWEST, HIGHEST]))
    axes.set(xticks=ticks, xticklabels=labels, yticks=ticks, yticklabels=labels, xlim=tuple(limits), ylim=tuple(limits))
    axes.plot(limits, limits, color="0.8", linewidth=0.8)
    axes.grid(visible=True, linewidth=0.4)
    axes.legend()
    figure.savefig(path)


def deviates(rates: Values) -> NDArray[np.float64]:
    """Return the normal deviates of rates; of those beyond the axes, what lies just outside."""
    values: NDArray[np.float64] = _DEVIATE(np.clip(rates, LOWEST / 2, (1.0 + HIGHEST) / 2))
    return values
