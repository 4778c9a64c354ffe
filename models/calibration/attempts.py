"""What a calibration is fitted on: attempts as they came about step by step, and the voices that were enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration.quality import Rows


class MaterialError(ValueError):
    """A model cannot be calibrated on this: a recording cannot be read, or there are too few voices; the message says which."""


@dataclass(frozen=True)
class Trajectory:
    """What was known after each of k steps: running embeddings (k, d); net seconds of speech, SNR in dB, bandwidth in Hz, (k,) each."""

    embeddings: NDArray[np.float32]
    speech: Rows
    snr: Rows
    bandwidth: Rows


@dataclass(frozen=True)
class Attempt:
    """An attempt of a speaker of a corpus; `recordings` are numbers of what it was made of.

    condition: its kind and, unless that is "clean", how much of it: "noise 10".
    """

    speaker: str
    corpus: str
    condition: str
    recordings: frozenset[int]
    trajectory: Trajectory

    @property
    def kind(self) -> str:
        """The kind of the condition alone."""
        return self.condition.split()[0]


@dataclass(frozen=True)
class Enrollment:
    """An enrolled voice: voiceprint (d,), net seconds of speech, and numbers of the recordings that it was made of."""

    speaker: str
    corpus: str
    recordings: frozenset[int]
    voiceprint: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True)
class Material:
    """Attempts, the voices that they are verified against, and views of the latest speech of owners.

    views: trajectories whose every step is the embedding of the latest 2 s of speech alone. others: voiceprints of people who are neither
    enrolled nor heard, (voices, d), maybe none.
    """

    attempts: Sequence[Attempt]
    enrollments: Sequence[Enrollment]
    views: Sequence[Attempt]
    others: Rows
