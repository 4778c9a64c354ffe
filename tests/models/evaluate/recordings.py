"""Made-up recordings, embeddings and scores whose figures can be told beforehand."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.manifest import Recording


def recordings_of(corpus: str, counts: dict[str, int], *, sex: str = "", language: str = "") -> list[Recording]:
    """Return `counts[speaker]` recordings of each speaker."""
    return [
        Recording(Path(corpus, speaker, f"{index}.wav"), speaker, corpus, language, sex)
        for speaker, count in counts.items()
        for index in range(count)
    ]


def voices(recordings: list[Recording], noise: float, seed: int = 0) -> NDArray[np.float32]:
    """Return embeddings: a random direction per speaker, and `noise` times a random one per recording."""
    random = np.random.default_rng(seed)
    directions: dict[tuple[str, str], NDArray[np.float64]] = {}
    for recording in recordings:
        directions.setdefault((recording.corpus, recording.speaker), random.normal(size=64))
    own = np.array([directions[recording.corpus, recording.speaker] for recording in recordings])
    return np.asarray(own + noise * random.normal(size=own.shape), dtype=np.float32)


def normal_scores(mean: float, deviation: float = 1.0, count: int = 20_000) -> NDArray[np.float64]:
    """Return a sample whose empirical distribution is as close to the normal one as its size allows."""
    return np.array([mean + deviation * NormalDist().inv_cdf((index + 0.5) / count) for index in range(count)])
