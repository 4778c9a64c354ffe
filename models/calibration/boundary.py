"""Where to accept and to reject, so that whole attempts keep the rates of errors that an operator can bear.

The evidence is looked at after every step of the encoder, and consecutive looks are dependent: boundaries are taken from how far
whole attempts go, impostors' upwards and owners' downwards, while the other boundary has not ended them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, expm1, log1p, sqrt
from typing import Final, NamedTuple

from models.calibration.extremes import LIMIT, Extremes
from models.calibration.leeway import NO_LEEWAY, Leeway

_ROUNDS: Final = 100
_CLOSE: Final = 1e-6


class Pair(NamedTuple):
    """Accept from the one on, reject up to the other; both are natural log-likelihood ratios, and accept >= reject.

    That for rejections is of clean speech over a wide band: elsewhere it is lower by the `Boundaries.leeway`.
    """

    accept: float
    reject: float


@dataclass(frozen=True)
class Mutual:
    """How near attempts come to another voice, by the cosine of the two voiceprints: slope * cosine + offset, +- deviation."""

    slope: float
    offset: float
    deviation: float


@dataclass(frozen=True)
class Boundaries:
    """Boundaries of the log-likelihood ratio.

    impostor: highest ratio of attempts of others (up to their rejection); owner: the lowest of owners' own, negated (up to their
    acceptance). mutual: of two voices. change_at: ratio of the latest 2 s of speech below which someone else talks. leeway: by how much
    the boundary for rejections is lower than the extremes tell, by the quality of what was heard.
    """

    impostor: Extremes
    owner: Extremes
    mutual: Mutual
    change_at: float
    leeway: Leeway = NO_LEEWAY

    def pair(self, far: float, frr: float, enrolled: int = 1) -> Pair:
        """Return the boundaries that together give these rates of false accepts and false rejects per attempt.

        An attempt ends at whichever it reaches first, so that each is less strict than it would have to be alone. With several
        `enrolled` voices an impostor is heard until none of them is possible, so that nothing is saved on false accepts.
        """
        accept = self.accept_at(far, enrolled)
        reject = self.reject_at(frr, accept)
        for _ in range(_ROUNDS if enrolled == 1 else 0):
            before, accept = accept, self.impostor.level(far, -reject)
            reject = self.reject_at(frr, accept)
            if accept <= reject or before - accept < _CLOSE:
                break
        # Where the voices are so far apart that both rates are kept by more than one ratio, that in the middle is the boundary.
        middle = (accept + reject) / 2
        return Pair(max(accept, middle), min(reject, middle))

    def accept_at(self, far: float, enrolled: int = 1) -> float:
        """Return the ratio that an impostor's whole attempt reaches with chance `far` for any of so many enrolled voices."""
        return self.impostor.level(_each(far, enrolled))

    def reject_at(self, frr: float, accept: float = LIMIT) -> float:
        """Return the ratio that an owner's attempt falls to with chance `frr`, unless it is accepted at `accept` before."""
        return -self.owner.level(frr, accept)

    def mutual_false_accept(self, cosine: float, accept: float) -> float:
        """Return the chance that an attempt of one of two voices, of that cosine, is accepted as the other at `accept`."""
        mean = self.mutual.slope * cosine + self.mutual.offset
        return 0.5 * erfc((accept - mean) / (self.mutual.deviation * sqrt(2.0)))


def _each(far: float, enrolled: int) -> float:
    """Return the rate for each of so many independent voices that gives `far` for any of them."""
    return -expm1(log1p(-far) / enrolled)
