"""Who is enrolled: names, templates, voiceprints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from daemon.events import Evidence
from models.encoder import Embedding


@dataclass(frozen=True)
class Template:
    """What is kept of one recording: its embedding, (192,) of unit length, and the model that made it."""

    embedding: Embedding
    model_id: str
    evidence: Evidence


@dataclass(frozen=True)
class Speaker:
    """An enrolled person: one template per recording, at least one, all of the same model."""

    name: str
    templates: tuple[Template, ...]
    created: datetime
    updated: datetime

    @property
    def model_id(self) -> str:
        """The model that made the templates; only its embeddings can be compared with them."""
        return self.templates[0].model_id

    @property
    def speech(self) -> int:
        """Net speech of all templates in samples."""
        return sum(template.evidence.speech for template in self.templates)

    @cached_property
    def voiceprint(self) -> Embedding:
        """The mean of the templates at unit length, (192,)."""
        return mean_direction([template.embedding for template in self.templates])


def mean_direction(embeddings: list[Embedding]) -> Embedding:
    """Return the mean of embeddings of unit length, itself at unit length."""
    return unit(np.mean(np.asarray(embeddings, dtype=np.float64), axis=0)).astype(np.float32)


def unit(vector: Embedding | NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale to unit length in double precision; the zero vector, which resembles nothing, stays zero."""
    exact = np.asarray(vector, dtype=np.float64)
    length = np.linalg.norm(exact)
    return exact / length if length > 0 else exact
