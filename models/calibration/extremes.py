"""How far a statistic of whole attempts goes: its empirical distribution, continued by an exponential tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.calibration.quality import Rows

TAIL: Final = 0.01
"""The part of the attempts that go farthest, which an exponential tail stands for."""
CHANCES: Final = np.geomspace(1.0, TAIL, 65)
"""What the body of a distribution is told for: the chances that an attempt goes so far, falling."""
LIMIT: Final = 60.0
"""No log-likelihood ratio is farther from zero than this."""


@dataclass(frozen=True)
class Extremes:
    """The farthest that attempts go before they end, as the other boundary ends them.

    ends: where the other boundary is, (g,), rising: an attempt ends that goes as far to the other side; the last is none at all.
    body: how far attempts go with each of `CHANCES`, (g, 65). scale: mean excess beyond the end of the body, (g,).
    """

    ends: Rows
    body: Rows
    scale: Rows

    def level(self, chance: float, end: float = LIMIT) -> float:
        """Return the level that attempts reach with this chance, if those end that reach `end` on the other side before."""
        body, scale = self._row(end)
        if chance >= TAIL:
            # np.interp wants rising abscissae: chances fall.
            return float(np.interp(-np.log(chance), -np.log(CHANCES), body))
        return float(body[-1] + scale * np.log(TAIL / chance))

    def chance(self, level: float, end: float = LIMIT) -> float:
        """Return the chance that an attempt reaches `level` before it ends; the inverse of `level`."""
        body, scale = self._row(end)
        if level >= body[-1]:
            return float(TAIL * np.exp(-(level - body[-1]) / scale))
        return float(np.exp(np.interp(level, body, np.log(CHANCES))))

    def _row(self, end: float) -> tuple[Rows, float]:
        place = float(np.interp(end, self.ends, np.arange(len(self.ends))))
        low, share = int(place), place - int(place)
        high = min(low + 1, len(self.ends) - 1)
        body = (1 - share) * self.body[low] + share * self.body[high]
        return body, float((1 - share) * self.scale[low] + share * self.scale[high])
