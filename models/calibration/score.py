"""From scores to natural log-likelihood ratios that know the quality of both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.calibration.quality import Quality, Rows, features

LEAST_SLOPE: Final = 0.1
"""The slope never falls below this share of what it is for `TYPICAL`: a higher score never speaks against a voice."""
TYPICAL: Final = Quality(speech=2.0, snr=20.0, bandwidth=8000.0, enrolled=10.0, recordings=3)


@dataclass(frozen=True)
class ScoreModel:
    """llr = slope(quality) * score + offset(quality), both linear in the features of the quality; weights: (FEATURES,) each."""

    slope: Rows
    offset: Rows

    def llrs(self, scores: Rows, quality: Quality) -> Rows:
        """Return the natural log-likelihood ratios of scores (...,) of this quality, which broadcast: same voice against another."""
        return self.of_features(scores, features(quality))

    def of_features(self, scores: Rows, known: Rows) -> Rows:
        """Return the ratios of scores (...,) of a quality with these features, (..., FEATURES)."""
        least = LEAST_SLOPE * float(features(TYPICAL) @ self.slope)
        ratios: Rows = np.maximum(known @ self.slope, least) * scores + known @ self.offset
        return ratios
