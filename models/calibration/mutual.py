"""How near an impostor comes whose voiceprint is known: what two enrolled voices have to fear of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.calibration.attempts import Enrollment
from models.calibration.boundary import Mutual
from models.calibration.cohort import unit
from models.calibration.extremes import LIMIT
from models.calibration.quality import Rows
from models.calibration.trials import Trials


def fit_mutual(trials: Sequence[Trials], peaks: Sequence[Rows], weights: Sequence[Rows], enrollments: Sequence[Enrollment]) -> Mutual:
    """Fit the highest ratio of attempts of speakers who are enrolled too, by the cosine of both voiceprints.

    peaks: highest ratio of each non-target trial of an attempt. weights: of all its trials.
    """
    prints = {(one.corpus, one.speaker): unit(one.voiceprint) for one in reversed(enrollments)}
    cosines, ratios, shares = [], [], []
    for each, own, weight in zip(trials, peaks, weights, strict=True):
        theirs = prints.get((each.attempt.corpus, each.attempt.speaker))
        if theirs is not None:
            enrolled = unit(np.array([enrollments[number].voiceprint for number in each.enrolled[~each.target]]))
            cosines.append(enrolled.reshape(-1, len(theirs)) @ theirs)
            ratios.append(own)
            shares.append(weight[~each.target])
    # Attempts that were never scored tell nothing of likeness.
    told = np.concatenate(ratios) > -LIMIT
    return _line(*(np.concatenate(column)[told] for column in (cosines, ratios, shares)))


def _line(cosines: Rows, ratios: Rows, weights: Rows) -> Mutual:
    roots = np.sqrt(weights / weights.sum())
    design = np.stack([cosines, np.ones_like(cosines)], axis=1)
    slope, offset = np.linalg.lstsq(design * roots[:, None], ratios * roots, rcond=None)[0].tolist()
    deviation = float(np.linalg.norm((ratios - design @ [slope, offset]) * roots))
    return Mutual(slope, offset, max(deviation, 1e-3))
