"""Who is enrolled: names, templates, voiceprints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.events import Evidence
from models.encoder import Embedding

ADAPTED_SHARE: Final = 0.25
"""What was learned from acceptances never weighs more in a voiceprint; the rest is what was enrolled."""
SLOWNESS: Final = 4
"""Adapted templates of that number weigh half of it."""


@dataclass(frozen=True)
class Template:
    """What is kept of one recording: its embedding, (192,) of unit length, and the model that made it.

    session: which enrollment of the speaker it is from, from 0.
    """

    embedding: Embedding
    model_id: str
    evidence: Evidence
    session: int = 0


@dataclass(frozen=True)
class Speaker:
    """An enrolled person: one template per recording, at least one, all of the same model, in the order of their sessions.

    adapted: what was learned from attempts that were accepted, the oldest first.
    """

    name: str
    templates: tuple[Template, ...]
    created: datetime
    updated: datetime
    adapted: tuple[Template, ...] = ()

    @property
    def model_id(self) -> str:
        """The model that made the templates; only its embeddings can be compared with them."""
        return self.templates[0].model_id

    @property
    def speech(self) -> int:
        """Net speech of all that was enrolled in samples."""
        return sum(template.evidence.speech for template in self.templates)

    @property
    def sessions(self) -> int:
        """How many enrollments the templates are from."""
        return len({template.session for template in self.templates})

    @cached_property
    def anchor(self) -> Embedding:
        """What was enrolled, at unit length, (192,): the mean of the sessions, each the mean of its templates at unit length.

        Sessions weigh alike, however many recordings they have: a voice varies more from day to day than within an hour.
        """
        return mean_direction(self.session_means)

    @property
    def session_means(self) -> list[Embedding]:
        """The mean of each session's templates at unit length, (192,) each."""
        sessions = groupby(self.templates, key=lambda template: template.session)
        return [mean_direction([template.embedding for template in session]) for _, session in sessions]

    @cached_property
    def voiceprint(self) -> Embedding:
        """What attempts are compared with, at unit length, (192,): the anchor, and a little of what was adapted."""
        if not self.adapted:
            return self.anchor
        learned = mean_direction([template.embedding for template in self.adapted])
        share = ADAPTED_SHARE * len(self.adapted) / (len(self.adapted) + SLOWNESS)
        return unit((1.0 - share) * self.anchor.astype(np.float64) + share * learned).astype(np.float32)


def mean_direction(embeddings: list[Embedding]) -> Embedding:
    """Return the mean of embeddings of unit length, itself at unit length."""
    return unit(np.mean(np.asarray(embeddings, dtype=np.float64), axis=0)).astype(np.float32)


def unit(vector: Embedding | NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale to unit length in double precision; the zero vector, which resembles nothing, stays zero."""
    exact = np.asarray(vector, dtype=np.float64)
    length = np.linalg.norm(exact)
    return exact / length if length > 0 else exact
