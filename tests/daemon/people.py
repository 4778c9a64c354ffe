"""People without a voice: embeddings of theirs, for tests of what compares them."""

from __future__ import annotations

import numpy as np

from daemon.enrollment.agreement import Heard
from daemon.events import Evidence
from daemon.speakers import Speaker, Template, unit
from models.encoder import Embedding
from models.features import SAMPLE_RATE
from tests.fakes import ENROLLED

MODEL = "fake-1"


def person(index: int, take: int = 0, *, like: float = 0.0) -> Embedding:
    """Return an embedding: near 0.8 to other takes of the same person, near 0 to other people; `like` makes it resemble person 0."""
    random = np.random.default_rng((index, take))
    return unit(np.eye(192)[index] + like * np.eye(192)[0] + random.normal(0.0, 0.5 / np.sqrt(192), 192)).astype(np.float32)


def evidence(seconds: float = 4.0, *, snr: float = 30.0, clipped: float = 0.0, bandwidth: float = 7_700.0) -> Evidence:
    return Evidence(speech=round(seconds * SAMPLE_RATE), snr=snr, clipped=clipped, bandwidth=bandwidth, voice=1.0)


def heard(index: int, take: int = 0, seconds: float = 4.0) -> Heard:
    return Heard(person(index, take), evidence(seconds))


def speaker(name: str, *embeddings: Embedding, model_id: str = MODEL) -> Speaker:
    return Speaker(name, tuple(Template(each, model_id, evidence()) for each in embeddings), ENROLLED, ENROLLED)
