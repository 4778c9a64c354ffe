"""The measurement of one embedding: computed for all recordings, and for the tests among them under each condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from models.evaluate.conditions import Condition
from models.evaluate.embeddings import embed_files, load_embedding, stack
from models.evaluate.figures import Report, evaluate
from models.evaluate.trials import build_trials
from models.manifest import Recording

Embedded = NDArray[np.floating] | None
_progress = Console(stderr=True)


@dataclass(frozen=True)
class Measured:
    """An embedding's size in parameters, and its report."""

    parameters: int
    report: Report


def measure(name: str, recordings: Sequence[Recording], conditions: Sequence[Condition], jobs: int) -> Measured:
    """Measure the embedding that is installed under `name`, with `jobs` processes and a progress bar on stderr.

    Raises what `load_embedding`, `embed_files` and `evaluate` raise.
    """
    parameters = load_embedding(name).parameters
    clean = _embed(name, [recording.path for recording in recordings], [None], jobs)
    tests = np.concatenate([trials.tests for trials in build_trials(recordings)] or [np.array([], dtype=np.intp)])
    heard = _embed(name, [recordings[test].path for test in tests], conditions, jobs)
    under = {
        condition: stack(_replaced(clean, tests, heard[place * len(tests) : (place + 1) * len(tests)]))
        for place, condition in enumerate(conditions)
    }
    return Measured(parameters, evaluate(recordings, stack(clean), under))


def _embed(name: str, paths: Sequence[Path], conditions: Sequence[Condition | None], jobs: int) -> list[Embedded]:
    if not conditions:
        return []
    kinds = ", ".join(dict.fromkeys(condition.kind for condition in conditions if condition))
    embedded = embed_files(name, paths, jobs, conditions)
    description = f"{name}, by {kinds}" if kinds else name
    return list(track(embedded, description=description, total=len(paths) * len(conditions), console=_progress))


def _replaced(clean: Sequence[Embedded], tests: NDArray[np.intp], heard: Sequence[Embedded]) -> list[Embedded]:
    """Return the embeddings of all recordings, where those of the tests are as heard under a condition."""
    replaced = dict(zip(tests, heard, strict=True))
    return [replaced.get(position, embedding) for position, embedding in enumerate(clean)]
