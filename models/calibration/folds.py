"""Speakers dealt into folds: what is measured on voices that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from models.calibration.attempts import Enrollment
from models.calibration.quality import Quality
from models.calibration.trials import Trials

FOLDS: Final = 5


def fold_of(corpus: str, speaker: str) -> int:
    """Return the fold of a speaker, which depends on the names alone."""
    return crc32(f"fold {corpus}/{speaker}".encode()) % FOLDS


def split(trials: Sequence[Trials], enrollments: Sequence[Enrollment], fold: int) -> tuple[list[Trials], list[Trials]]:
    """Return the trials between speakers who are not of the fold, and those between speakers who are."""
    within = np.array([fold_of(one.corpus, one.speaker) == fold for one in enrollments])
    others, own = [], []
    for each in trials:
        if fold_of(each.attempt.corpus, each.attempt.speaker) == fold:
            own.append(_only(each, within[each.enrolled]))
        else:
            others.append(_only(each, ~within[each.enrolled]))
    return others, own


def _only(trials: Trials, chosen: NDArray[np.bool_]) -> Trials:
    quality = trials.quality
    enrolled, recordings = np.asarray(quality.enrolled)[chosen], np.asarray(quality.recordings)[chosen]
    kept = Quality(quality.speech, quality.snr, quality.bandwidth, enrolled, recordings)
    return replace(trials, enrolled=trials.enrolled[chosen], target=trials.target[chosen], scores=trials.scores[:, chosen], quality=kept)
