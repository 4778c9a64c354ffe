"""Embeddings that can be measured, by name, and their computation over many recordings.

A distribution offers one as an entry point in the group `speakerd.embeddings`: a callable without arguments that returns an
`EmbeddingModel`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from importlib.metadata import entry_points
from itertools import product, starmap
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Protocol, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from models.audio import read_audio
from models.evaluate.conditions import Condition, random_of
from models.features import Waveform

ENTRY_POINTS: Final = "speakerd.embeddings"


class EmbeddingModel(Protocol):
    """Something that maps a recording to one vector, to be compared by cosine."""

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        ...

    def embed(self, waveform: Waveform) -> NDArray[np.floating] | None:
        """Map mono samples at 16 kHz in [-1, 1], (samples,), to a vector of any length; None where there is too little speech."""
        ...


class EmbeddingError(ValueError):
    """An embedding is not known or gives unusable vectors, or a recording cannot be read; the message says which."""


def load_embedding(name: str) -> EmbeddingModel:
    """Return the embedding that is installed under `name`. Raises `EmbeddingError` with the known names where there is none."""
    known = entry_points(group=ENTRY_POINTS)
    if name not in known.names:
        raise EmbeddingError(f"embedding {name!r} is not known; installed are: {', '.join(sorted(known.names)) or 'none'}")
    return cast("EmbeddingModel", known[name].load()())


def embed_files(
    name: str, paths: Sequence[Path], jobs: int = 1, conditions: Sequence[Condition | None] = (None,)
) -> Iterator[NDArray[np.floating] | None]:
    """Yield the embedding of each file in order, computed by `jobs` processes: of all under the first condition, then the second...

    No condition (None) is the recording as it is. Raises `EmbeddingError` for a file that cannot be read and for a vector that is not
    finite or has no direction, `ConditionError` for a noise that cannot be used.
    """
    embed = partial(_embed_file, name)
    sounds = list(product(conditions, paths))
    if jobs == 1:
        yield from starmap(embed, sounds)
        return
    # Forked threads of a numeric library deadlock; fresh processes do not.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_use_one_thread) as pool:
        yield from pool.map(embed, *zip(*sounds, strict=True), chunksize=4)


def _use_one_thread() -> None:
    # Read by the numeric libraries when they are loaded, which is later: with the embedding.
    os.environ["OMP_NUM_THREADS"] = "1"


# Once per process: loading can cost more than embedding many files.
_loaded = cache(load_embedding)


def _embed_file(name: str, condition: Condition | None, path: Path) -> NDArray[np.floating] | None:
    try:
        waveform = read_audio(path)
    except soundfile.LibsndfileError as error:
        raise EmbeddingError(f"{path} cannot be read: {error}") from None
    if condition:
        waveform = condition.apply(waveform, random_of(path))
    embedding = _loaded(name).embed(waveform)
    if embedding is not None and not (np.isfinite(embedding).all() and embedding.any()):
        raise EmbeddingError(f"embedding {name!r} gives no finite vector with a direction for {path}")
    return embedding


def stack(embeddings: Sequence[NDArray[np.floating] | None]) -> NDArray[np.float32]:
    """Return embeddings of one size as an array, (recordings, size), with NaN where there is none."""
    size = next((len(embedding) for embedding in embeddings if embedding is not None), 1)
    return np.array([np.full(size, np.nan) if one is None else one for one in embeddings], dtype=np.float32)
