"""Figures of an embedding on a set of recordings: what `python -m models.evaluate` reports and training watches.

A figure over several corpora is the mean of their own figures, each with a threshold of its own; corpora with too few trials are
left out and named. `eer_pooled`, `act_dcf` and `cllr` are the exceptions: one threshold, or one calibration, over the trials of all
corpora, so that they also pay for scores that shift from one corpus to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluate.calibration import FOLDS, Calibration, actual_cost, calibrate, ratio_cost
from models.evaluate.conditions import Condition
from models.evaluate.metrics import ErrorRates, error_rates, rates_of_counts
from models.evaluate.trials import CorpusTrials, build_trials, score_trials
from models.manifest import Recording

TARGET_PRIOR: Final = 0.01
"""Prior probability of a target trial in the detection cost."""
RARE_TARGET_PRIOR: Final = 0.001
"""The same for `min_dcf_001`, where false accepts weigh ten times as much."""
MIN_TARGETS: Final = 20
MIN_NONTARGETS: Final = 200
"""With fewer trials than these, a single one moves a rate by more than 5 or 0.5 points."""
REPLICATES: Final = 200
"""Bootstrap replicates behind an interval; their seed is fixed, so that the same scores give the same interval."""


@dataclass(frozen=True)
class Figures:
    """Figures of some trials; left_out names corpora with too few of them.

    eer, its 95 % interval and eer_pooled are in percent. min_dcf and act_dcf are normalised costs at `TARGET_PRIOR`, min_dcf_001 at
    `RARE_TARGET_PRIOR`. cllr is in bits. act_dcf and cllr are of calibrated scores: None where there are too few speakers for that.
    """

    eer: float
    eer_interval: tuple[float, float]
    eer_pooled: float
    min_dcf: float
    min_dcf_001: float
    act_dcf: float | None
    cllr: float | None
    n_target: int
    n_nontarget: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Figures of all trials, of groups of them, and of all under conditions; failures counts recordings with no embedding.

    by: kind of group or condition -> name -> figures. `corpus` is that of the trials, `language` that of the enrolled speaker; `sex`
    groups trials between speakers of that sex, and `same` those between speakers of one sex, whichever it is. Groups with too few
    trials are absent. All are calibrated alike: on all trials with no
    condition. rates: operating points of all trials, with one threshold for all corpora.
    """

    figures: Figures
    failures: int
    by: dict[str, dict[str, Figures]]
    rates: ErrorRates = field(repr=False, compare=False)


class TooFewTrialsError(ValueError):
    """No corpus has enough trials for a figure."""


@dataclass(frozen=True)
class _Scored:
    """The scores of one corpus and which of its trials count, both (trials,)."""

    trials: CorpusTrials
    scores: NDArray[np.float64]
    counted: NDArray[np.bool_]

    @property
    def targets(self) -> NDArray[np.float64]:
        return self.scores[self.counted & self.trials.target]

    @property
    def nontargets(self) -> NDArray[np.float64]:
        return self.scores[self.counted & ~self.trials.target]

    @property
    def folds(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The folds of the two speakers of each trial, both (trials,)."""
        return self.trials.one % FOLDS, self.trials.other % FOLDS

    @property
    def suffices(self) -> bool:
        return len(self.targets) >= MIN_TARGETS and len(self.nontargets) >= MIN_NONTARGETS


def enough_trials(recordings: Sequence[Recording], trials: Sequence[CorpusTrials] | None = None) -> Sequence[CorpusTrials]:
    """Return those of `build_trials`, unless others are given. Raises `TooFewTrialsError` where no corpus has enough for `evaluate`."""
    lists = build_trials(recordings) if trials is None else trials
    if not any(each.target.sum() >= MIN_TARGETS and (~each.target).sum() >= MIN_NONTARGETS for each in lists):
        advice = "four or more of each speaker who is to be enrolled" if trials is None else "or trials to the list"
        raise TooFewTrialsError(f"no corpus has {MIN_TARGETS} target and {MIN_NONTARGETS} non-target trials: add recordings, {advice}")
    return lists


def evaluate(
    recordings: Sequence[Recording],
    embeddings: NDArray[np.floating],
    conditions: Mapping[Condition, NDArray[np.floating]] | None = None,
    trials: Sequence[CorpusTrials] | None = None,
) -> Report:
    """Return the figures of one embedding per recording, (recordings, size), of any length; a row of NaN where there is none.

    conditions: the same where tests were embedded under a condition. trials: those of `build_trials`, unless others are given. Raises
    `TooFewTrialsError` where no corpus has enough of them.
    """
    lists = enough_trials(recordings, trials)
    corpora = _scored(lists, embeddings)
    kept = [scored for scored in corpora if scored.suffices]
    calibration = calibrate(*_pooled(kept))
    figures = _figures(corpora, calibration)
    by = _groups(corpora, recordings, calibration)
    for condition, heard in (conditions or {}).items():
        by.setdefault(condition.kind, {})[condition.name] = _figures(_scored(lists, heard), calibration)
    if "seconds" in by:
        by["seconds"]["all"] = figures
    return Report(figures, int(np.isnan(embeddings).any(axis=1).sum()), by, _pooled_rates(kept))


def _scored(corpora: Sequence[CorpusTrials], embeddings: NDArray[np.floating]) -> list[_Scored]:
    return [_Scored(trials, score_trials(trials, embeddings), np.ones(len(trials.target), dtype=np.bool_)) for trials in corpora]


def _groups(corpora: Sequence[_Scored], recordings: Sequence[Recording], calibration: Calibration | None) -> dict[str, dict[str, Figures]]:
    sexes = np.array([recording.sex for recording in recordings])
    languages = np.array([recording.language for recording in recordings])
    everyone = np.ones(len(recordings), dtype=np.bool_)
    groups = {
        "corpus": {scored.trials.corpus: [scored] for scored in corpora},
        "sex": {sex: _only(corpora, sexes == sex, sexes == sex) for sex in _names(sexes)} | {"same": _same(corpora, sexes)},
        "language": {language: _only(corpora, languages == language, everyone) for language in _names(languages)},
    }
    return {
        kind: {name: _figures(members, calibration) for name, members in named.items() if any(scored.suffices for scored in members)}
        for kind, named in groups.items()
    }


def _only(corpora: Sequence[_Scored], enrolled: NDArray[np.bool_], tests: NDArray[np.bool_]) -> list[_Scored]:
    """Keep trials of some enrolled speakers, as their first recording tells, against some tests; both masks (recordings,)."""
    return _counting([(scored, enrolled[scored.trials.enrolled_first] & tests[scored.trials.test_of]) for scored in corpora])


def _same(corpora: Sequence[_Scored], values: NDArray[np.str_]) -> list[_Scored]:
    """Keep trials whose two sides have the same value, if it is known."""
    sides = [(scored, values[scored.trials.enrolled_first], values[scored.trials.test_of]) for scored in corpora]
    return _counting([(scored, (one == other) & (one != "")) for scored, one, other in sides])


def _counting(corpora: Sequence[tuple[_Scored, NDArray[np.bool_]]]) -> list[_Scored]:
    return [replace(scored, counted=counted) for scored, counted in corpora if counted.any()]


def _names(values: NDArray[np.str_]) -> list[str]:
    return [str(value) for value in np.unique(values) if value]


def _figures(corpora: Sequence[_Scored], calibration: Calibration | None) -> Figures:
    """Return the figures of the corpora that have enough trials; one must."""
    kept = [scored for scored in corpora if scored.suffices]
    random = np.random.default_rng(0)
    low, high = np.nanpercentile(np.mean([_resampled_eers(scored, random) for scored in kept], axis=0), [2.5, 97.5])
    rates = [error_rates(scored.targets, scored.nontargets) for scored in kept]
    act_dcf, cllr = _calibrated_costs(kept, calibration)
    return Figures(
        eer=100.0 * float(np.mean([rate.equal_error_rate() for rate in rates])),
        eer_interval=(float(low), float(high)),
        eer_pooled=100.0 * _pooled_rates(kept).equal_error_rate(),
        min_dcf=float(np.mean([rate.min_cost(TARGET_PRIOR) for rate in rates])),
        min_dcf_001=float(np.mean([rate.min_cost(RARE_TARGET_PRIOR) for rate in rates])),
        act_dcf=act_dcf,
        cllr=cllr,
        n_target=sum(len(scored.targets) for scored in kept),
        n_nontarget=sum(len(scored.nontargets) for scored in kept),
        left_out=tuple(scored.trials.corpus for scored in corpora if not scored.suffices),
    )


def _pooled(corpora: Sequence[_Scored]) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """Return the scores of all counted trials, whether they are target trials, and the folds of their speakers; all (trials,)."""
    parts = [(scored.scores, scored.trials.target, *scored.folds) for scored in corpora]
    scores, target, one, other = (
        np.concatenate([values[scored.counted] for values, scored in zip(column, corpora, strict=True)])
        for column in zip(*parts, strict=True)
    )
    return scores, target, one, other


def _pooled_rates(corpora: Sequence[_Scored]) -> ErrorRates:
    return error_rates(np.concatenate([scored.targets for scored in corpora]), np.concatenate([scored.nontargets for scored in corpora]))


def _calibrated_costs(corpora: Sequence[_Scored], calibration: Calibration | None) -> tuple[float, float] | tuple[None, None]:
    """Return act_dcf and cllr."""
    if calibration is None:
        return None, None
    scores, target, one, other = _pooled(corpora)
    ratios = calibration.ratios(scores, one, other)
    return actual_cost(ratios[target], ratios[~target], TARGET_PRIOR), ratio_cost(ratios[target], ratios[~target])


def _resampled_eers(scored: _Scored, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the equal error rate in percent of each bootstrap replicate, (replicates,): speakers drawn with replacement.

    Trials of one speaker are far from independent, so it is speakers that are drawn (the first step of Poh, Martin and Bengio,
    "Performance Generalization in Biometric Authentication Using Joint User-Specific and Sample Bootstraps", IEEE TPAMI 29 (3), 2007):
    a target trial counts as often as its speaker is drawn, a non-target trial as often as the pair of them. NaN where a draw leaves no
    trial of a kind.
    """
    trials, counted = scored.trials, scored.counted
    levels, ranks = np.unique(scored.scores[counted], return_inverse=True)
    target, one, other = trials.target[counted], trials.one[counted], trials.other[counted]
    draws = random.multinomial(trials.speakers, np.full(trials.speakers, 1.0 / trials.speakers), size=REPLICATES)
    eers = np.full(REPLICATES, np.nan)
    for replicate, drawn in enumerate(draws):
        weights = drawn[one] * np.where(target, 1, drawn[other])
        counts = [np.bincount(ranks[side], weights[side], len(levels)) for side in (target, ~target)]
        if counts[0].any() and counts[1].any():
            eers[replicate] = 100.0 * rates_of_counts(*counts).equal_error_rate()
    return eers
