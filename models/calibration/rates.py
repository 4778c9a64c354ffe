"""What becomes of attempts under the boundaries of a calibration: how often they are wrong, and how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calibration.attempts import Enrollment
from models.calibration.boundary import Pair
from models.calibration.exact import few, widened
from models.calibration.leeway import NO_LEEWAY, Leeway
from models.calibration.quality import Rows
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials

RESAMPLES: Final = 1000


class Rate(NamedTuple):
    """A share of trials, and its 95 % interval by resampling the enrolled speakers, 0 to 1 each; NaN where there are no trials.

    With few errors the interval reaches as far as the exact one, at least.
    """

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.share:.2f} % ({100 * self.low:.2f} - {100 * self.high:.2f} %)"


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of n trials, one enrolled voice at a time.

    speakers: who is enrolled. conditions: of what kind that was which was verified. accepted, rejected: whether; neither is undecided.
    seconds: of speech until then, NaN where undecided.
    """

    speakers: NDArray[np.str_]
    conditions: NDArray[np.str_]
    target: NDArray[np.bool_]
    accepted: NDArray[np.bool_]
    rejected: NDArray[np.bool_]
    seconds: Rows

    def under(self, condition: str) -> Outcomes:
        """Return those under one kind of condition."""
        chosen = self.conditions == condition
        return Outcomes(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def rate(self, which: NDArray[np.bool_], *, target: bool) -> Rate:
        """Return the share of target or non-target trials that are among `which`, (n,)."""
        kind = self.target == target
        _, speaker = np.unique(self.speakers[kind], return_inverse=True)
        if not len(speaker):
            return Rate(float("nan"), float("nan"), float("nan"))
        trials, hits = np.bincount(speaker), np.bincount(speaker, which[kind])
        drawn = np.random.default_rng(0).integers(len(trials), size=(RESAMPLES, len(trials)))
        low, high = np.quantile(hits[drawn].sum(axis=1) / trials[drawn].sum(axis=1), [0.025, 0.975])
        count, total = round(hits.sum()), int(trials.sum())
        if few(count, total):
            low, high = widened(low, high, count, total)
        return Rate(count / total, float(low), float(high))

    def median_seconds(self, which: NDArray[np.bool_]) -> float:
        """Return the median seconds until trials were decided that are among `which`, (n,); NaN if there are none."""
        return float(np.median(self.seconds[which])) if which.any() else float("nan")


def outcomes(
    trials: Sequence[Trials], enrollments: Sequence[Enrollment], model: ScoreModel, pair: Pair, leeway: Leeway = NO_LEEWAY
) -> Outcomes:
    """Return what becomes of the trials between these boundaries."""
    names = np.array([f"{one.corpus}/{one.speaker}" for one in enrollments])
    decided, seconds = zip(*(_decided(each, model, pair, leeway) for each in trials), strict=True)
    decision = np.concatenate(decided)
    return Outcomes(
        np.concatenate([names[each.enrolled] for each in trials]),
        np.concatenate([np.repeat(each.attempt.kind, len(each.target)) for each in trials]),
        np.concatenate([each.target for each in trials]),
        decision > 0,
        decision < 0,
        np.concatenate(seconds),
    )


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """Return the outcomes of all parts."""
    return Outcomes(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Outcomes)))


def _decided(trials: Trials, model: ScoreModel, pair: Pair, leeway: Leeway) -> tuple[Rows, Rows]:
    """Return 1, -1 or 0 for each trial that is accepted, rejected or neither, and after how much speech."""
    ratios = model.llrs(trials.scores, trials.quality)
    reject = pair.reject - leeway.of(trials.quality.snr, trials.quality.bandwidth)
    sides = np.where(ratios >= pair.accept, 1.0, np.where(ratios <= reject, -1.0, 0.0))
    if not len(sides):
        return np.zeros(len(trials.target)), np.full(len(trials.target), np.nan)
    first = (sides != 0).argmax(axis=0)
    side = np.take_along_axis(sides, first[None], axis=0)[0]
    return side, np.where(side != 0, trials.speech[first], np.nan)
