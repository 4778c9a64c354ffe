"""Enrolled voices that are close to another: how often they would be taken for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.config import Config
from daemon.decision import boundaries
from daemon.speakers import Speaker
from models.calibration.calibration import Calibration
from models.encoder import Embedding


@dataclass(frozen=True)
class SimilarVoice:
    """An enrolled voice that is close to a new one.

    score: cosine of the voiceprints. rate: share of whole attempts of one that are expected to be accepted as the other.
    """

    speaker: str
    score: float
    rate: float


def similar_voices(voice: Embedding, others: Sequence[Speaker], config: Config, calibration: Calibration) -> tuple[SimilarVoice, ...]:
    """Return those of `others`, of the calibration's model, whose rate exceeds `enrollment.warn_mutual_false_accept`, closest first.

    Voiceprints of other models cannot be compared.
    """
    accept = boundaries(config.decision, calibration, 1).accept
    scores = {other.name: float(voice @ other.voiceprint) for other in others if other.model_id == calibration.model_id}
    found = [SimilarVoice(name, score, calibration.boundaries.mutual_false_accept(score, accept)) for name, score in scores.items()]
    close = [each for each in found if each.rate > config.enrollment.warn_mutual_false_accept]
    return tuple(sorted(close, key=lambda each: (-each.score, each.speaker)))
