"""Whether what was recorded is one voice: as log-likelihood ratios, so that little speech is not taken for another person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.events import Evidence
from daemon.speakers import unit
from models.calibration.calibration import Calibration
from models.calibration.quality import Quality
from models.encoder import Embedding
from models.features import SAMPLE_RATE

MOST_ROUNDS: Final = 10
"""Of 2-means; it settles in two or three."""

Points = NDArray[np.float64]
Group = NDArray[np.bool_]


class Heard(NamedTuple):
    """Something that one person said, as far as is known: its embedding, of unit length, and its evidence."""

    embedding: Embedding
    evidence: Evidence


class Agreement(NamedTuple):
    """Of two parts of what was heard. llr: natural log-likelihood ratio that they are one voice. score: their cosine. odd: one of them."""

    llr: float
    score: float
    odd: tuple[int, ...]


def split_voices(heard: Sequence[Heard], calibration: Calibration, *, pieces: bool = False) -> Agreement | None:
    """Split recordings, or `pieces` of one, into two parts of one voice each, if there were two voices; None for less than two.

    2-means on the sphere, begun at the two that differ most, everything weighing as its speech does: the means of two groups tell more
    than any two single embeddings, and it does not matter how the voices take turns.
    """
    if len(heard) < 2:  # noqa: PLR2004
        return None
    points = np.asarray([each.embedding for each in heard], dtype=np.float64)
    weighed = points * _speech(heard)[:, np.newaxis]
    similarity = points @ points.T
    # Neither of the two that differ most ever joins the other.
    np.fill_diagonal(similarity, np.inf)
    first, second = np.unravel_index(np.argmin(similarity), similarity.shape)
    ours = similarity[first] >= similarity[second]
    for _ in range(MOST_ROUNDS):
        previous, ours = ours, _nearer_to_own(points, weighed, ours)
        if (ours == previous).all():
            break
    return compare(heard, _smaller(heard, ours), calibration, pieces=pieces)


def compare(heard: Sequence[Heard], part: Group, calibration: Calibration, *, pieces: bool = False) -> Agreement:
    """Compare a part of some recordings, or of `pieces` of one, with the rest; part: which, (n,), neither none nor all of them."""
    tested = [each for each, chosen in zip(heard, part, strict=True) if chosen]
    rest = [each for each, chosen in zip(heard, part, strict=True) if not chosen]
    voice, other = (unit(_speech(group) @ np.asarray([each.embedding for each in group], dtype=np.float64)) for group in (tested, rest))
    scores = calibration.scores(voice, calibration.enrolled(other[np.newaxis]))
    quality = Quality(
        speech=_speech(tested).sum(),
        snr=min(each.evidence.snr for each in tested),
        bandwidth=min(each.evidence.bandwidth for each in heard),
        enrolled=_speech(rest).sum(),
        recordings=1 if pieces else len(rest),
    )
    return Agreement(float(calibration.llrs(scores, quality)[0]), float(voice @ other), tuple(np.flatnonzero(part).tolist()))


def _speech(heard: Sequence[Heard]) -> Points:
    """Return the net seconds of each; of what has none, hardly any."""
    return np.array([max(each.evidence.speech, 1) / SAMPLE_RATE for each in heard])


def _smaller(heard: Sequence[Heard], ours: Group) -> Group:
    speech = _speech(heard)
    return ours if (ours.sum(), speech[ours].sum()) < (len(ours) - ours.sum(), speech[~ours].sum()) else ~ours


def _nearer_to_own(points: Points, weighed: Points, ours: Group) -> Group:
    one, other = unit(weighed[ours].sum(axis=0)), unit(weighed[~ours].sum(axis=0))
    nearer = points @ one >= points @ other
    return ours if nearer.all() or not nearer.any() else nearer
