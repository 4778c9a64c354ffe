"""Slow adaptation of voiceprints to how people sound today, from attempts that leave no doubt.

A voice is never adapted by what was adapted before: whether an attempt leaves no doubt is judged by what was enrolled alone, so that no
row of small steps leads away from it. `daemon.speakers` bounds what adapted templates weigh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from daemon.config import Config
from daemon.decision import Decider
from daemon.events import Decision, Evidence, Outcome
from daemon.speakers import Speaker, Template, unit
from models.calibration.calibration import Calibration
from models.calibration.quality import NARROW_BAND
from models.encoder import Embedding
from models.features import SAMPLE_RATE


class Lesson(NamedTuple):
    """What is to be learned of a speaker."""

    speaker: Speaker
    template: Template


def lesson(
    decision: Decision, embedding: Embedding | None, enrolled: Sequence[Speaker], config: Config, calibration: Calibration
) -> Lesson | None:
    """Return what a final decision teaches, None if nothing; embedding: what it rests on, (192,). enrolled: all speakers of that model.

    It must accept, of good speech and enough of it; the LLR of whoever is accepted must exceed the boundary by
    `enrollment.adapt_margin`, and all others must be rejected.
    """
    if embedding is None or not (decision.final and decision.outcome is Outcome.ACCEPT) or not _is_good(decision.evidence, config):
        return None
    anchors = [replace(speaker, adapted=()) for speaker in enrolled]
    judged = Decider(anchors, config.decision, calibration, candidates=2).decide(embedding, decision.evidence, decision.at)
    if judged.outcome is not Outcome.ACCEPT or judged.margin_accept < config.enrollment.adapt_margin:
        return None
    best, *others = judged.candidates
    reject = judged.llr - judged.margin_reject
    if best.speaker != decision.candidates[0].speaker or any(other.llr > reject for other in others):
        return None
    speaker = next(speaker for speaker in enrolled if speaker.name == best.speaker)
    return Lesson(speaker, Template(unit(embedding).astype(np.float32), calibration.model_id, decision.evidence))


def _is_good(evidence: Evidence, config: Config) -> bool:
    needs = config.enrollment
    return (
        evidence.speech >= needs.adapt_speech_seconds * SAMPLE_RATE
        and evidence.snr >= needs.adapt_snr_db
        and evidence.clipped <= needs.max_clipped
        and evidence.bandwidth >= NARROW_BAND
    )
