"""Templates without a voice, for tests of what keeps and selects them."""

from __future__ import annotations

import numpy as np

from daemon.events import Evidence
from daemon.speakers import Template

MODEL = "fake-1"


def template(seed: int, model_id: str = MODEL, speech: int = 48_000) -> Template:
    """Return a template whose embedding has a direction of its own for each seed."""
    direction = np.random.default_rng(seed).normal(size=192)
    return Template((direction / np.linalg.norm(direction)).astype(np.float32), model_id, Evidence(speech, 21.5, 0.01, 7_200.0))


def same(one: Template, other: Template) -> bool:
    """Return whether the templates are equal to the last bit."""
    return np.array_equal(one.embedding, other.embedding) and (one.model_id, one.evidence) == (other.model_id, other.evidence)
