"""Speakers dealt into folds: what is measured on voices that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np

from models.calibration.attempts import Enrollment
from models.calibration.trials import Trials

FOLDS: Final = 5

Voice = tuple[str, str]
"""Corpus and speaker."""


def deal(enrollments: Sequence[Enrollment]) -> dict[Voice, int]:
    """Return the fold of each enrolled voice: all folds get as many of each corpus, but for one."""
    return {voice: place % FOLDS for place, voice in enumerate(sorted({(one.corpus, one.speaker) for one in enrollments}))}


def split(trials: Sequence[Trials], enrollments: Sequence[Enrollment], fold: int) -> tuple[list[Trials], list[Trials]]:
    """Return the trials between speakers who are not of the fold, and those between speakers who are.

    Speakers who are not enrolled are dealt by their names.
    """
    dealt = deal(enrollments)
    within = np.array([dealt[one.corpus, one.speaker] == fold for one in enrollments])
    others, own = [], []
    for each in trials:
        voice = each.attempt.corpus, each.attempt.speaker
        if dealt.get(voice, crc32("/".join(voice).encode()) % FOLDS) == fold:
            own.append(each.among(within))
        else:
            others.append(each.among(~within))
    return others, own
