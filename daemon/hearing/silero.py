"""Silero VAD, a small recurrent network, as a detector of voices: `daemon/weights` holds it and tells where it is from."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.backends import open_session
from models.features import Waveform

WEIGHTS: Final = Path(__file__).parents[1] / "weights" / "silero_vad_16k_sequence.onnx"
WINDOW: Final = 512
"""Samples that the network judges at a time (32 ms)."""
CONTEXT: Final = 64
"""Samples before a window that it sees, too."""
_LAYERS: Final = (1, 1, 128)

Memory = tuple[NDArray[np.float32], NDArray[np.float32]]
"""The state of the recurrent layer: what it tells and what it keeps, each (1, 1, 128)."""


class Silero:
    """The network. It never changes, so that any number of streams and threads share one."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """Raises `models.weights.ModelFileError` if onnxruntime cannot load the file."""
        self._session = open_session(weights, threads=1)

    def step(self, window: Waveform, memory: Memory) -> tuple[float, Memory]:
        """Judge samples in [-1, 1], (CONTEXT + WINDOW,): how likely the window is a voice, and the memory after it."""
        hidden, cell = memory
        probabilities, hidden, cell = self._session.run(None, {"input": window[np.newaxis], "h": hidden, "c": cell})
        return float(probabilities[0]), (hidden, cell)


@cache
def load_silero() -> Silero:
    """Return the one network that all streams of this process share; see `Silero` for what is raised."""
    return Silero()


class SileroDetector:
    """Hears one stream: a hop is judged as the newest whole window is, of which one ends every 3.2 hops; before the first, 0."""

    def __init__(self, silero: Silero) -> None:
        self._silero = silero
        self._memory = _blank()
        self._window: Waveform = np.zeros(CONTEXT + WINDOW, dtype=np.float32)
        self._filled = CONTEXT
        self._voice = 0.0

    def voice(self, hop: NDArray[np.int16]) -> float:
        """See `VoiceDetector`."""
        samples = hop.astype(np.float32) / np.float32(32768.0)
        rest = self._fill(samples)
        if self._filled == len(self._window):
            self._voice, self._memory = self._silero.step(self._window, self._memory)
            self._window[:CONTEXT] = self._window[-CONTEXT:]
            self._filled = CONTEXT
            self._fill(rest)
        return self._voice

    def reset(self) -> None:
        """See `VoiceDetector`."""
        self._memory = _blank()
        self._window[:] = 0.0
        self._filled = CONTEXT
        self._voice = 0.0

    def _fill(self, samples: Waveform) -> Waveform:
        """Add to the window what fits into it; return the rest."""
        taken = samples[: len(self._window) - self._filled]
        self._window[self._filled : self._filled + len(taken)] = taken
        self._filled += len(taken)
        return samples[len(taken) :]


def _blank() -> Memory:
    return np.zeros(_LAYERS, dtype=np.float32), np.zeros(_LAYERS, dtype=np.float32)
