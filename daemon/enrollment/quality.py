"""How good each recording of an enrollment is, and what to do better: nothing here refuses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from daemon.enrollment.agreement import Agreement, Heard, compare, split_voices
from daemon.enrollment.recording import Recording
from daemon.events import Evidence
from models.calibration.calibration import Calibration
from models.calibration.quality import NARROW_BAND
from models.features import SAMPLE_RATE

CLIPPED: Final = 0.01
"""A recording has more than this share of its speech at full scale only if the level is too high."""
NOISY_DB: Final = 12.0
SHORT_SECONDS: Final = 1.0
DOUBTFUL_LLR: Final = 0.0
"""Below, two people are likelier than one."""


class Verdict(Enum):
    """What is wrong most with a recording; the names are those of the API."""

    GOOD = "GOOD"
    CLIPPED = "CLIPPED"
    DOUBTFUL = "DOUBTFUL"
    NOISY = "NOISY"
    NARROW_BAND = "NARROW_BAND"
    SHORT = "SHORT"


ADVICE: Final = {
    Verdict.GOOD: "",
    Verdict.CLIPPED: "it is overdriven: lower the microphone's level, or speak from farther away",
    Verdict.DOUBTFUL: "it hardly sounds like the same person throughout: enroll again unless one person alone spoke",
    Verdict.NOISY: "it is noisy: speak nearer to the microphone, or in a quieter place",
    Verdict.NARROW_BAND: "it is muffled, as over a telephone: use a microphone of 16 kHz or more, unless attempts sound the same",
    Verdict.SHORT: "it is short: speak a whole sentence",
}
"""What to do about it; nothing for a good one."""


@dataclass(frozen=True)
class RecordingQuality:
    """How good a recording is.

    agreement_llr, agreement_score: natural log-likelihood ratio that it is of one voice with the other recordings, and the cosine;
    if there are no others, of its own two most different parts; None where there is nothing to compare.
    """

    evidence: Evidence
    agreement_llr: float | None
    agreement_score: float | None
    verdict: Verdict

    @property
    def advice(self) -> str:
        """What to do better, as a clause after "recording 1: "; empty for a good one."""
        return ADVICE[self.verdict]


def assess(recordings: Sequence[Recording], calibration: Calibration) -> tuple[RecordingQuality, ...]:
    """Return how good each of the recordings of an enrollment is, which all have embeddings."""
    wholes = [heard for recording in recordings for heard in recording.heard]
    return tuple(_quality(recording, _agreement(recording, wholes, index, calibration)) for index, recording in enumerate(recordings))


def _agreement(recording: Recording, wholes: Sequence[Heard], index: int, calibration: Calibration) -> Agreement | None:
    if len(wholes) == 1:
        return split_voices(recording.pieces, calibration, pieces=True)
    return compare(wholes, np.arange(len(wholes)) == index, calibration)


def _quality(recording: Recording, agreement: Agreement | None) -> RecordingQuality:
    verdict = _verdict(recording.evidence, agreement)
    if agreement is None:
        return RecordingQuality(recording.evidence, None, None, verdict)
    return RecordingQuality(recording.evidence, agreement.llr, agreement.score, verdict)


def _verdict(evidence: Evidence, agreement: Agreement | None) -> Verdict:
    """Return the gravest of what is wrong."""
    if evidence.clipped > CLIPPED:
        return Verdict.CLIPPED
    if agreement is not None and agreement.llr < DOUBTFUL_LLR:
        return Verdict.DOUBTFUL
    if evidence.snr < NOISY_DB:
        return Verdict.NOISY
    if evidence.bandwidth < NARROW_BAND:
        return Verdict.NARROW_BAND
    return Verdict.SHORT if evidence.speech < SHORT_SECONDS * SAMPLE_RATE else Verdict.GOOD
