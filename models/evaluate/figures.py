"""Figures of an embedding on a set of recordings: what `python -m models.evaluate` reports and training watches.

A figure over several corpora is the mean of their own figures, each with a threshold of its own; corpora with too few trials are
left out and named. `eer_pooled` is the exception: one threshold over the trials of all corpora, so that it also pays for scores that
shift from one corpus to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluate.metrics import equal_error_rate, error_rates, rates_of_counts
from models.evaluate.trials import CorpusTrials, build_trials, score_trials
from models.manifest import Recording

TARGET_PRIOR: Final = 0.01
"""Prior probability of a target trial in the detection cost."""
MIN_TARGETS: Final = 20
MIN_NONTARGETS: Final = 200
"""With fewer trials than these, a single one moves a rate by more than 5 or 0.5 points."""
REPLICATES: Final = 200
"""Bootstrap replicates behind an interval; their seed is fixed, so that the same scores give the same interval."""


@dataclass(frozen=True)
class Figures:
    """Figures of some trials: eer and its 95 % interval in percent, min_dcf normalised; left_out names corpora with too few trials."""

    eer: float
    eer_interval: tuple[float, float]
    eer_pooled: float
    min_dcf: float
    n_target: int
    n_nontarget: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Figures of all trials and of groups of them; failures counts recordings with no embedding.

    by: kind of group -> name -> figures. `corpus` and `language` group trials by those of the enrolled speaker, `sex` those between
    speakers of that sex. Groups with too few trials are absent.
    """

    figures: Figures
    failures: int
    by: dict[str, dict[str, Figures]]


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
    def suffices(self) -> bool:
        return len(self.targets) >= MIN_TARGETS and len(self.nontargets) >= MIN_NONTARGETS


def evaluate(recordings: Sequence[Recording], embeddings: NDArray[np.floating]) -> Report:
    """Return the figures of one embedding per recording, (recordings, size), of any length; a row of NaN where there is none.

    Raises `TooFewTrialsError` where no corpus has enough trials.
    """
    corpora = []
    for trials in build_trials(recordings):
        scores = score_trials(trials, embeddings)
        corpora.append(_Scored(trials, scores, np.ones_like(scores, dtype=np.bool_)))
    figures = _figures(corpora)
    if figures is None:
        raise TooFewTrialsError(
            f"no corpus has {MIN_TARGETS} target and {MIN_NONTARGETS} non-target trials: add recordings, "
            "four or more of each speaker who is to be enrolled"
        )
    return Report(figures, int(np.isnan(embeddings).any(axis=1).sum()), _groups(corpora, recordings))


def _groups(corpora: Sequence[_Scored], recordings: Sequence[Recording]) -> dict[str, dict[str, Figures]]:
    sexes = np.array([recording.sex for recording in recordings])
    languages = np.array([recording.language for recording in recordings])
    everyone = np.ones(len(recordings), dtype=np.bool_)
    groups = {
        "corpus": {scored.trials.corpus: [scored] for scored in corpora},
        "sex": {sex: _only(corpora, sexes == sex, sexes == sex) for sex in _names(sexes)},
        "language": {language: _only(corpora, languages == language, everyone) for language in _names(languages)},
    }
    by = {kind: {name: _figures(members) for name, members in named.items()} for kind, named in groups.items()}
    return {kind: {name: figures for name, figures in named.items() if figures} for kind, named in by.items()}


def _only(corpora: Sequence[_Scored], enrolled: NDArray[np.bool_], tests: NDArray[np.bool_]) -> list[_Scored]:
    """Keep trials of some enrolled speakers, as their first recording tells, against some tests; both masks (recordings,)."""
    kept = [replace(scored, counted=np.outer(enrolled[scored.trials.enrolled[:, 0]], tests[scored.trials.tests])) for scored in corpora]
    return [scored for scored in kept if scored.counted.any()]


def _names(values: NDArray[np.str_]) -> list[str]:
    return [str(value) for value in np.unique(values) if value]


def _figures(corpora: Sequence[_Scored]) -> Figures | None:
    kept = [scored for scored in corpora if scored.suffices]
    if not kept:
        return None
    targets = np.concatenate([scored.targets for scored in kept])
    nontargets = np.concatenate([scored.nontargets for scored in kept])
    random = np.random.default_rng(0)
    low, high = np.nanpercentile(np.mean([_resampled_eers(scored, random) for scored in kept], axis=0), [2.5, 97.5])
    rates = [error_rates(scored.targets, scored.nontargets) for scored in kept]
    return Figures(
        eer=100.0 * float(np.mean([rate.equal_error_rate() for rate in rates])),
        eer_interval=(float(low), float(high)),
        eer_pooled=equal_error_rate(targets, nontargets),
        min_dcf=float(np.mean([rate.min_cost(TARGET_PRIOR) for rate in rates])),
        n_target=len(targets),
        n_nontarget=len(nontargets),
        left_out=tuple(scored.trials.corpus for scored in corpora if not scored.suffices),
    )


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
