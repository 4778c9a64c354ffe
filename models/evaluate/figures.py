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

    by: kind of group or condition -> name -> figures. `corpus` and `language` group trials by those of the enrolled speaker, `sex`
    those between speakers of that sex. Groups with too few trials are absent. All are calibrated alike: on all trials with no
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
    """The scores of one corpus, (enrolled, tests), and which of its trials count."""

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
        """The folds of the two speakers of each trial, both (enrolled, tests)."""
        one, other = np.broadcast_arrays(self.trials.enrolled_speaker[:, None], self.trials.test_speaker)
        return one % FOLDS, other % FOLDS

    @property
    def suffices(self) -> bool:
        return len(self.targets) >= MIN_TARGETS and len(self.nontargets) >= MIN_NONTARGETS


def evaluate(
    recordings: Sequence[Recording],
    embeddings: NDArray[np.floating],
    conditions: Mapping[Condition, NDArray[np.floating]] | None = None,
) -> Report:
    """Return the figures of one embedding per recording, (recordings, size), of any length; a row of NaN where there is none.

    conditions: the same where tests were embedded under a condition. Raises `TooFewTrialsError` where no corpus has enough trials.
    """
    corpora = _scored(recordings, embeddings)
    kept = [scored for scored in corpora if scored.suffices]
    if not kept:
        raise TooFewTrialsError(
            f"no corpus has {MIN_TARGETS} target and {MIN_NONTARGETS} non-target trials: add recordings, "
            "four or more of each speaker who is to be enrolled"
        )
    calibration = calibrate(*_pooled(kept))
    figures = _figures(corpora, calibration)
    by = _groups(corpora, recordings, calibration)
    for condition, heard in (conditions or {}).items():
        by.setdefault(condition.kind, {})[condition.name] = _figures(_scored(recordings, heard), calibration)
    if "seconds" in by:
        by["seconds"]["all"] = figures
    return Report(figures, int(np.isnan(embeddings).any(axis=1).sum()), by, _pooled_rates(kept))


def _scored(recordings: Sequence[Recording], embeddings: NDArray[np.floating]) -> list[_Scored]:
    corpora = []
    for trials in build_trials(recordings):
        scores = score_trials(trials, embeddings)
        corpora.append(_Scored(trials, scores, np.ones_like(scores, dtype=np.bool_)))
    return corpora


def _groups(corpora: Sequence[_Scored], recordings: Sequence[Recording], calibration: Calibration | None) -> dict[str, dict[str, Figures]]:
    sexes = np.array([recording.sex for recording in recordings])
    languages = np.array([recording.language for recording in recordings])
    everyone = np.ones(len(recordings), dtype=np.bool_)
    groups = {
        "corpus": {scored.trials.corpus: [scored] for scored in corpora},
        "sex": {sex: _only(corpora, sexes == sex, sexes == sex) for sex in _names(sexes)},
        "language": {language: _only(corpora, languages == language, everyone) for language in _names(languages)},
    }
    return {
        kind: {name: _figures(members, calibration) for name, members in named.items() if any(scored.suffices for scored in members)}
        for kind, named in groups.items()
    }


def _only(corpora: Sequence[_Scored], enrolled: NDArray[np.bool_], tests: NDArray[np.bool_]) -> list[_Scored]:
    """Keep trials of some enrolled speakers, as their first recording tells, against some tests; both masks (recordings,)."""
    kept = [replace(scored, counted=np.outer(enrolled[scored.trials.enrolled[:, 0]], tests[scored.trials.tests])) for scored in corpora]
    return [scored for scored in kept if scored.counted.any()]


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
    trials = scored.trials
    rows, columns = np.nonzero(scored.counted)
    levels, ranks = np.unique(scored.scores[rows, columns], return_inverse=True)
    target = trials.target[rows, columns]
    one, other = trials.enrolled_speaker[rows], trials.test_speaker[columns]
    draws = random.multinomial(trials.speakers, np.full(trials.speakers, 1.0 / trials.speakers), size=REPLICATES)
    eers = np.full(REPLICATES, np.nan)
    for replicate, drawn in enumerate(draws):
        weights = drawn[one] * np.where(target, 1, drawn[other])
        counts = [np.bincount(ranks[side], weights[side], len(levels)) for side in (target, ~target)]
        if counts[0].any() and counts[1].any():
            eers[replicate] = 100.0 * rates_of_counts(*counts).equal_error_rate()
    return eers
