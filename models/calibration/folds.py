"""Speakers dealt into folds: what is measured on voices that nothing was fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np

from models.calibration.attempts import Enrollment
from models.calibration.trials import Trials

FOLDS: Final = 5

Voice = tuple[str, str]
"""Corpus and speaker."""


def fold_count(enrollments: Sequence[Enrollment]) -> int:
    """Return into how many folds to deal, 2 to `FOLDS`: as many as get two voices of a corpus, who can be compared."""
    voices = Counter(corpus for corpus, _ in {(one.corpus, one.speaker) for one in enrollments})
    return max(2, min(FOLDS, max(voices.values()) // 2))


def deal(enrollments: Sequence[Enrollment], folds: int = FOLDS) -> dict[Voice, int]:
    """Return the fold of each enrolled voice: all folds get as many of each corpus, but for one."""
    return {voice: place % folds for place, voice in enumerate(sorted({(one.corpus, one.speaker) for one in enrollments}))}


def split(trials: Sequence[Trials], enrollments: Sequence[Enrollment], fold: int, folds: int = FOLDS) -> tuple[list[Trials], list[Trials]]:
    """Return the trials between speakers who are not of the fold, and those between speakers who are.

    Speakers who are not enrolled are dealt by their names.
    """
    dealt = deal(enrollments, folds)
    within = np.array([dealt[one.corpus, one.speaker] == fold for one in enrollments])
    others, own = [], []
    for each in trials:
        voice = each.attempt.corpus, each.attempt.speaker
        if dealt.get(voice, crc32("/".join(voice).encode()) % folds) == fold:
            own.append(each.among(within))
        else:
            others.append(each.among(~within))
    return others, own
