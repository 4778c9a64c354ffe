"""Trials: attempts against the enrolled voices of their corpus, with their scores at every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration.attempts import Attempt, Enrollment
from models.calibration.cohort import Cohort
from models.calibration.quality import Quality, Rows

BUDGET_SECONDS: Final = 8.0
"""Attempts are followed up to so much speech."""
TELLING: Final = 10
"""So many other people in a corpus tell enough of impostors."""
LEAST_SECONDS: Final = 0.5
"""Nothing is decided on less speech."""


@dataclass(frozen=True)
class Trials:
    """The trials of one attempt, against n enrolled voices of its corpus that are made of other recordings.

    scores: (k, n) at the k steps from `LEAST_SECONDS` of speech on, maybe none. enrolled: numbers of the enrollments, (n,). target:
    whether the voices are one, (n,). quality: broadcasts to (k, n).
    """

    attempt: Attempt
    enrolled: NDArray[np.intp]
    target: NDArray[np.bool_]
    scores: Rows
    quality: Quality

    @property
    def speech(self) -> Rows:
        """Net seconds of speech at each step, (k,)."""
        return np.asarray(self.quality.speech)[:, 0]

    def among(self, enrollments: NDArray[np.bool_]) -> Trials:
        """Return the trials against some of all enrollments, which are chosen by their numbers: (enrollments,)."""
        chosen = enrollments[self.enrolled]
        seconds, recordings = (np.asarray(side)[chosen] for side in (self.quality.enrolled, self.quality.recordings))
        quality = Quality(self.quality.speech, self.quality.snr, self.quality.bandwidth, seconds, recordings)
        return Trials(self.attempt, self.enrolled[chosen], self.target[chosen], self.scores[:, chosen], quality)


def build_trials(attempts: Sequence[Attempt], enrollments: Sequence[Enrollment], cohort: Cohort) -> list[Trials]:
    """Return the trials of each attempt that has any, against all enrollments of its corpus."""
    by_corpus: dict[str, list[int]] = {}
    for number, enrollment in enumerate(enrollments):
        by_corpus.setdefault(enrollment.corpus, []).append(number)
    voiceprints = {corpus: np.array([enrollments[number].voiceprint for number in own]) for corpus, own in by_corpus.items()}
    prepared = {corpus: cohort.enrolled(prints) for corpus, prints in voiceprints.items()}
    trials = []
    for attempt in attempts:
        numbers = by_corpus.get(attempt.corpus, [])
        others = [place for place, number in enumerate(numbers) if not enrollments[number].recordings & attempt.recordings]
        if others:
            heard = _decisive(attempt)
            scores = (
                cohort.scores(attempt.trajectory.embeddings[heard], prepared[attempt.corpus])
                if heard.any()
                else np.empty((0, len(numbers)))
            )
            trials.append(_trials(attempt, heard, scores[:, others], [numbers[place] for place in others], enrollments))
    return trials


def _decisive(attempt: Attempt) -> NDArray[np.bool_]:
    """Return at which steps the attempt may be decided: up to the first with all the speech that it may have."""
    speech = attempt.trajectory.speech
    before = np.concatenate([[True], speech[:-1] < BUDGET_SECONDS])[: len(speech)]
    decisive: NDArray[np.bool_] = before & (speech >= LEAST_SECONDS)
    return decisive


def _trials(attempt: Attempt, heard: NDArray[np.bool_], scores: Rows, numbers: Sequence[int], enrollments: Sequence[Enrollment]) -> Trials:
    own = [enrollments[number] for number in numbers]
    trajectory = attempt.trajectory
    speech, snr, bandwidth = (column[heard][:, None] for column in (trajectory.speech, trajectory.snr, trajectory.bandwidth))
    quality = Quality(speech, snr, bandwidth, np.array([one.seconds for one in own]), np.array([len(one.recordings) for one in own]))
    return Trials(attempt, np.array(numbers), np.array([one.speaker == attempt.speaker for one in own]), scores, quality)


def trial_weights(trials: Sequence[Trials], enrollments: Sequence[Enrollment]) -> list[Rows]:
    """Return the weight of each trial, (n,) per attempt, which sum to one for targets and for non-targets.

    All enrolled speakers weigh the same; but where fewer than `TELLING` others are heard in a corpus, they tell less of impostors: a few
    people who happen to sound alike would decide for everybody. Conditions weigh as often as they come.
    """
    speakers = [(one.corpus, one.speaker) for one in enrollments]
    heard = {(each.attempt.corpus, each.attempt.speaker) for each in trials}
    others = Counter(corpus for corpus, _ in heard)
    keys = [[(*speakers[number], bool(same)) for number, same in zip(each.enrolled, each.target, strict=True)] for each in trials]
    of_speaker = Counter(key for own in keys for key in own)
    shares = {key: (1.0 if key[2] else min(1.0, (others[key[0]] - 1) / TELLING)) / count for key, count in of_speaker.items()}
    weights = [np.array([shares[key] for key in own]) for own in keys]
    sums = {kind: sum(float(own[each.target == kind].sum()) for own, each in zip(weights, trials, strict=True)) for kind in (True, False)}
    return [own / np.where(each.target, sums[True] or 1.0, sums[False] or 1.0) for own, each in zip(weights, trials, strict=True)]
