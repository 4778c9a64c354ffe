"""Made-up recordings and embeddings whose figures can be told beforehand."""

from __future__ import annotations

from pathlib import Path

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
