"""From attempts and enrolled voices to a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calibration.attempts import Enrollment, Material, MaterialError
from models.calibration.boundary import Boundaries
from models.calibration.calibration import Calibration
from models.calibration.cohort import Cohort
from models.calibration.extremes import CHANCES, LIMIT, TAIL, Extremes
from models.calibration.leeway import fit_leeway
from models.calibration.levelling import levelled
from models.calibration.mutual import fit_mutual
from models.calibration.quality import FEATURES, Rows, features
from models.calibration.regression import balanced, fit_log_odds
from models.calibration.score import ScoreModel
from models.calibration.trials import Trials, build_trials, trial_weights
from models.calibration.views import fit_change

LOOKS: Final = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.5, 7.0)
"""Seconds of speech at which the scores are taken that the log-likelihood ratios are fitted on."""
MOST_LOOKS: Final = 100_000
"""So many looks at non-target trials are enough."""
ENDS: Final = np.concatenate([np.linspace(-4.0, 12.0, 17), [LIMIT]])
"""Where the other boundary may be, away from zero."""
LEAST_SPEAKERS: Final = 10
"""Fewer enrolled speakers tell too little of others."""
PRIORS: Final = (0.5, 0.05)
"""Priors of a target at which the ratios shall be worth what they say."""
RIDGE: Final = 1e-3
"""Weight of the squares of all that is learned but the plain slope and offset: what few speakers tell is not believed."""
USUAL: Final = (0.01, 0.05)
"""Rates of false accepts and false rejects at which those are accepted who are then followed."""
PLAIN_RIDGE: Final = 1e-6
"""That of the plain slope, which keeps it finite where scores separate all trials."""


def check(trials: Sequence[Trials]) -> None:
    """Raise `MaterialError` where there are too few speakers to tell anything of others, or nobody to compare them with."""
    heard = [each for each in trials if len(each.speech)]
    verified = {(each.attempt.corpus, each.attempt.speaker) for each in heard if each.target.any()}
    if (found := len(verified)) < LEAST_SPEAKERS:
        raise MaterialError(
            f"{found} speakers have enough speech to be enrolled (enrollment.min_speech_seconds) and one more recording with speech; "
            f"a calibration needs {LEAST_SPEAKERS}, and is better with 100"
        )
    if all(each.target.all() for each in heard):
        raise MaterialError("nobody is compared with anybody else, as is done within a corpus: give several of them one corpus")


class Looks(NamedTuple):
    """Single looks at trials: features of their quality, (n, FEATURES); scores, whether the voices are one, and weights, (n,) each."""

    known: Rows
    scores: Rows
    target: NDArray[np.bool_]
    weights: Rows

    @property
    def complete(self) -> bool:
        """Whether there are looks at trials of both kinds."""
        return bool(self.target.any() and not self.target.all())


def looks_at(trials: Sequence[Trials], enrollments: Sequence[Enrollment]) -> Looks:
    """Return the looks at trials after `LOOKS` seconds of speech; all trials weigh as `trial_weights` says, however many there are."""
    parts = [_looks_at(each, own) for each, own in zip(trials, trial_weights(trials, enrollments), strict=True)]
    looks = Looks(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    others = np.random.default_rng(0).permutation(np.flatnonzero(~looks.target))[:MOST_LOOKS]
    chosen = np.sort(np.concatenate([np.flatnonzero(looks.target), others]))
    looks = Looks(*(column[chosen] for column in looks))
    return looks._replace(weights=balanced(looks.target, looks.weights)) if looks.complete else looks


def _looks_at(trials: Trials, weights: Rows) -> Looks:
    seconds = [look for look in LOOKS if len(trials.speech) and look <= trials.speech[-1]]
    looks = np.unique(np.searchsorted(trials.speech, seconds))
    shape = len(looks), len(trials.target)
    known = np.broadcast_to(features(trials.quality), (*trials.scores.shape, FEATURES))[looks].reshape(-1, FEATURES)
    share = np.broadcast_to(weights / max(len(looks), 1), shape).ravel()
    return Looks(known, trials.scores[looks].ravel(), np.broadcast_to(trials.target, shape).ravel(), share)


def fit_score_model(looks: Looks) -> ScoreModel:
    """Fit log-likelihood ratios to looks at trials; both kinds of trial weigh the same."""
    mean, deviation = looks.scores.mean(), looks.scores.std() or 1.0
    inputs = np.concatenate([looks.known * ((looks.scores - mean) / deviation)[:, None], looks.known], axis=1)
    ridge = np.full(2 * FEATURES, RIDGE)
    ridge[[0, FEATURES]] = PLAIN_RIDGE, 0.0
    # Each prior makes the ratios right that decide at it: near zero, and where few impostors come.
    shift = np.repeat([log(prior / (1.0 - prior)) for prior in PRIORS], len(inputs))
    weights = np.concatenate([looks.weights * np.where(looks.target, 2 * prior, 2 * (1.0 - prior)) for prior in PRIORS]) / len(PRIORS)
    fitted = fit_log_odds(np.tile(inputs, (len(PRIORS), 1)), np.tile(looks.target, len(PRIORS)), weights, ridge, shift)
    slope = fitted[:FEATURES] / deviation
    return ScoreModel(slope, fitted[FEATURES:] - slope * mean)


def information_loss(looks: Looks, model: ScoreModel) -> float:
    """Return the mean cost of the ratios in bits, 1 for ratios that say nothing (Brümmer and du Preez, 2006)."""
    ratios = model.of_features(looks.scores, looks.known)
    return float(looks.weights @ np.logaddexp(0.0, np.where(looks.target, -ratios, ratios)) / log(2))


def attempts_reach(toward: Rows, against: Rows, ends: Rows) -> Rows:
    """Return the highest of `toward` (k, n) before the first step at which `against` (k, n) reaches one of the ends (g,): (n, g)."""
    count = toward.shape[1]
    start = np.full((1, count), -LIMIT)
    highest = np.maximum.accumulate(np.concatenate([start, toward]), axis=0)
    other = np.maximum.accumulate(against, axis=0)
    steps = np.stack([(other < end).sum(axis=0) for end in ends], axis=-1)
    reached: Rows = np.clip(np.take_along_axis(highest, steps.T, axis=0).T, -LIMIT, LIMIT)
    return reached


def fit_extremes(reached: Rows, weights: Rows) -> Extremes:
    """Return the distribution of how far attempts went, (n, g) for `ENDS`; weights: (n,)."""
    columns = [_distribution(column, weights) for column in reached.T]
    return Extremes(ENDS, np.array([body for body, _ in columns]), np.array([scale for _, scale in columns]))


def _distribution(values: Rows, weights: Rows) -> tuple[Rows, float]:
    order = np.argsort(values)
    values, weights = values[order], weights[order] / weights.sum()
    above = 1.0 - np.cumsum(weights) + weights / 2
    body = np.interp(-CHANCES, -above, values)
    start = np.interp(-TAIL, -above, values)
    beyond = values > start
    scale = float((values[beyond] - start) @ weights[beyond] / weights[beyond].sum()) if beyond.any() else 0.1
    return body, max(scale, 0.1)


def fit_boundaries(trials: Sequence[Trials], views: Sequence[Trials], model: ScoreModel, enrollments: Sequence[Enrollment]) -> Boundaries:
    """Fit the boundaries of the ratios that `model` gives."""
    weights = trial_weights(trials, enrollments)
    leeway = fit_leeway(trials, model)
    ratios = [model.llrs(each.scores, each.quality) for each in trials]
    fallen = [-own - leeway.of(each.quality.snr, each.quality.bandwidth) for own, each in zip(ratios, trials, strict=True)]
    heard = list(zip(ratios, fallen, [each.target for each in trials], strict=True))
    impostors = [attempts_reach(up[:, ~own], down[:, ~own], ENDS) for up, down, own in heard]
    owners = [attempts_reach(down[:, own], up[:, own], ENDS) for up, down, own in heard]
    others = np.concatenate([own[~each.target] for own, each in zip(weights, trials, strict=True)])
    owning = np.concatenate([own[each.target] for own, each in zip(weights, trials, strict=True)])
    mutual = fit_mutual(trials, [peaks[:, -1] for peaks in impostors], weights, enrollments)
    fitted = Boundaries(fit_extremes(np.concatenate(impostors), others), fit_extremes(np.concatenate(owners), owning), mutual, 0.0, leeway)
    return replace(fitted, change_at=fit_change(views, model, fitted.pair(*USUAL).reject))


def usual(enrollments: Sequence[Enrollment]) -> NDArray[np.bool_]:
    """Return which enrollments are of as many recordings as any of their speaker: people are not enrolled with fewer than there are."""
    most = _most_recordings(enrollments)
    return np.array([len(one.recordings) == most[one.corpus, one.speaker] for one in enrollments])


def varied(enrollments: Sequence[Enrollment]) -> NDArray[np.bool_]:
    """Return which enrollments are of speakers who were enrolled with as many recordings as anybody, and then with fewer, too.

    Only they tell what the number of recordings is worth: speakers who have few of them are other people, in other places.
    """
    most = _most_recordings(enrollments)
    return np.array([most[one.corpus, one.speaker] == max(most.values()) for one in enrollments])


def _most_recordings(enrollments: Sequence[Enrollment]) -> dict[tuple[str, str], int]:
    most: dict[tuple[str, str], int] = {}
    for one in enrollments:
        most[one.corpus, one.speaker] = max(len(one.recordings), most.get((one.corpus, one.speaker), 0))
    return most


def fit_trials(trials: Sequence[Trials], views: Sequence[Trials], enrollments: Sequence[Enrollment]) -> tuple[ScoreModel, Boundaries]:
    """Fit ratios and their boundaries."""
    telling, typical = varied(enrollments), usual(enrollments)
    told = [each.among(telling) for each in trials]
    chosen, seen = ([each.among(typical) for each in some] for some in (trials, views))
    model = levelled(fit_score_model(looks_at(told, enrollments)), told, chosen)
    return model, fit_boundaries(chosen, seen, model, enrollments)


def fit(model_id: str, material: Material, cohort: Cohort) -> Calibration:
    """Return the calibration of a model, its scores normalised by the cohort unless that is empty. Raises `MaterialError`."""
    trials, views = (build_trials(attempts, material.enrollments, cohort) for attempts in (material.attempts, material.views))
    check(trials)
    model, boundaries = fit_trials(trials, views, material.enrollments)
    return Calibration(model_id, model, cohort, boundaries)
