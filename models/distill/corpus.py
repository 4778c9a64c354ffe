"""All training audio in one memory-mapped file, and crops of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.audio import read_audio
from models.distill.targets import digest
from models.features import Waveform
from models.manifest import Recording

PCM_SCALE = 32767.0


@dataclass(frozen=True)
class Corpus:
    """16-bit samples of all recordings, one after the other. Recording i is samples[starts[i]:starts[i + 1]]."""

    samples: NDArray[np.int16]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Samples of each recording."""
        return np.diff(self.starts)

    def crop(self, index: int, offset: int, length: int) -> Waveform:
        """Return `length` samples in [-1, 1] of recording `index` from `offset` on."""
        start = self.starts[index] + offset
        return self.samples[start : start + length].astype(np.float32) / np.float32(PCM_SCALE)

    def looped(self, index: int, offset: int, length: int) -> Waveform:
        """As `crop`, but start over at the end of the recording, as often as it takes."""
        whole = self.crop(index, 0, int(self.lengths[index]))
        return np.take(whole, np.arange(offset, offset + length), mode="wrap")


def load_corpus(paths: Sequence[Path], cache: Path) -> Corpus:
    """Return the audio of `paths`, decoded into `cache` at the first call, under their contents."""
    key = hashlib.sha256("".join(map(digest, paths)).encode()).hexdigest()[:16]
    pcm, index = cache / f"{key}.pcm", cache / f"{key}.json"
    if not index.exists():
        _decode(paths, pcm, index)
    starts = np.array(json.loads(index.read_text()), dtype=np.int64)
    return Corpus(np.memmap(pcm, dtype=np.int16, mode="r"), starts)


def _decode(paths: Sequence[Path], pcm: Path, index: Path) -> None:
    pcm.parent.mkdir(parents=True, exist_ok=True)
    starts = [0]
    with pcm.open("wb") as file:
        for path in tqdm(paths, desc="decoding", unit="file"):
            samples = (read_audio(path).clip(-1.0, 1.0) * PCM_SCALE).round().astype(np.int16)
            file.write(samples.tobytes())
            starts.append(starts[-1] + len(samples))
    # Written last: an index exists only beside complete audio.
    index.write_text(json.dumps(starts))


def speaker_classes(recordings: Sequence[Recording]) -> NDArray[np.int64]:
    """Number the speakers; a recording whose speaker is not known is a class of its own."""
    names = [f"{r.corpus}/{r.speaker}" if r.labelled else str(r.path) for r in recordings]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
