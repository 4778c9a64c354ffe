"""Adaptive symmetric score normalisation against a cohort of other voices.

Matejka et al., "Analysis of score normalization in multilingual speaker recognition", Interspeech 2017: a cosine is compared with what
the voices of a cohort score that resemble each side most, so that a channel or a language that lifts all scores lifts none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration.quality import Rows

NEAREST: Final = 50
"""So many voices of the cohort, the most alike, are compared with."""
LEAST_DEVIATION: Final = 0.01


@dataclass(frozen=True)
class Enrolled:
    """Enrolled voices as scores are made with them: voiceprints of unit length, (n, d); mean and deviation of their cohort, (n,) each."""

    voiceprints: Rows
    mean: Rows
    deviation: Rows


@dataclass(frozen=True)
class Cohort:
    """Voices that nobody claims to be: unit-length voiceprints, (voices, d); none of them: scores stay cosines."""

    voices: Rows

    @classmethod
    def none(cls) -> Cohort:
        """Return a cohort of nobody."""
        return cls(np.empty((0, 0)))

    def statistics(self, embeddings: Rows) -> tuple[Rows, Rows]:
        """Return mean and deviation of the cosines of each of the embeddings (..., d) with the `NEAREST` of the cohort."""
        if not len(self.voices):
            return np.zeros(embeddings.shape[:-1]), np.ones(embeddings.shape[:-1])
        cosines = embeddings @ self.voices.T
        nearest = min(NEAREST, len(self.voices))
        top = np.partition(cosines, -nearest, axis=-1)[..., -nearest:]
        return top.mean(axis=-1), np.maximum(top.std(axis=-1), LEAST_DEVIATION)

    def enrolled(self, voiceprints: NDArray[np.floating]) -> Enrolled:
        """Prepare voiceprints (n, d)."""
        prints = unit(voiceprints)
        return Enrolled(prints, *self.statistics(prints))

    def scores(self, embedding: NDArray[np.floating], enrolled: Enrolled) -> Rows:
        """Return the scores of embeddings (..., d) with each enrolled voice, (..., n): cosines, normalised if there is a cohort."""
        heard = unit(embedding)
        mean, deviation = self.statistics(heard)
        cosines = heard @ enrolled.voiceprints.T
        there = (cosines - enrolled.mean) / enrolled.deviation
        here = (cosines - mean[..., None]) / deviation[..., None]
        scores: Rows = 0.5 * (there + here)
        return scores


def unit(vectors: NDArray[np.floating]) -> Rows:
    """Scale vectors (..., d) to unit length in double precision; the zero vector, which resembles nothing, stays zero."""
    exact = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(exact, axis=-1, keepdims=True)
    scaled: Rows = np.divide(exact, lengths, out=np.zeros_like(exact), where=lengths > 0.0)
    return scaled
