"""Embeddings that can be measured, by name, and their computation over many recordings.

A distribution offers one as an entry point in the group `speakerd.embeddings`: a callable that returns an `EmbeddingModel`, without
arguments, or with the one that follows the name and a colon on the command line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import entry_points
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
    """Return the embedding that is installed under `name`, or the one that `NAME:ARGUMENT` makes from an argument, such as a path.

    Raises `EmbeddingError` with the known names where there is none, and with the reason where it cannot be loaded.
    """
    known = entry_points(group=ENTRY_POINTS)
    name, *argument = name.split(":", 1)
    if name not in known.names:
        raise EmbeddingError(f"embedding {name!r} is not known; installed are: {', '.join(sorted(known.names)) or 'none'}")
    try:
        return cast("EmbeddingModel", known[name].load()(*argument))
    except Exception as error:
        # Other people's code may raise anything, and says why to who runs it.
        raise EmbeddingError(f"embedding {name!r} cannot be loaded: {error}") from error


loaded_embedding = cache(load_embedding)
"""The same, once per process: loading can cost more than embedding many files."""


@dataclass(frozen=True)
class Sound:
    """A recording and all that it is to be heard under; None is the recording as it is."""

    path: Path
    conditions: tuple[Condition | None, ...] = (None,)


def embed_files(name: str, sounds: Sequence[Sound], jobs: int = 1) -> Iterator[list[NDArray[np.floating] | None]]:
    """Yield for each sound, in order, its embedding under each of its conditions, computed by `jobs` processes.

    Raises `EmbeddingError` for a file that cannot be read and for a vector that is not finite or has no direction, `ConditionError`
    for a noise that cannot be used.
    """
    embed = partial(_embed_sound, name)
    if jobs == 1:
        yield from map(embed, sounds)
        return
    # Forked threads of a numeric library deadlock; fresh processes do not.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_use_one_thread) as pool:
        yield from pool.map(embed, sounds, chunksize=2)


def _use_one_thread() -> None:
    # Read by the numeric libraries when they are loaded, which is later: with the embedding.
    os.environ["OMP_NUM_THREADS"] = "1"


def _embed_sound(name: str, sound: Sound) -> list[NDArray[np.floating] | None]:
    try:
        waveform = read_audio(sound.path)
    except soundfile.SoundFileError as error:
        raise EmbeddingError(f"{sound.path} cannot be read: {error}") from None
    embedded: dict[bytes, NDArray[np.floating] | None] = {}
    embeddings = []
    for condition in sound.conditions:
        heard = condition.apply(waveform, random_of(sound.path)) if condition else waveform
        # A recording with little speech has nothing to be cut: what sounds the same is embedded once.
        content = heard.tobytes()
        if content not in embedded:
            embedded[content] = _embed(name, heard, sound.path)
        embeddings.append(embedded[content])
    return embeddings


def _embed(name: str, waveform: Waveform, path: Path) -> NDArray[np.floating] | None:
    embedding = loaded_embedding(name).embed(waveform)
    if embedding is not None and not (np.isfinite(embedding).all() and embedding.any()):
        raise EmbeddingError(f"embedding {name!r} gives no finite vector with a direction for {path}")
    return embedding


def stack(embeddings: Sequence[NDArray[np.floating] | None]) -> NDArray[np.float32]:
    """Return embeddings of one size as an array, (recordings, size), with NaN where there is none."""
    size = next((len(embedding) for embedding in embeddings if embedding is not None), 1)
    return np.array([np.full(size, np.nan) if one is None else one for one in embeddings], dtype=np.float32)
