"""Resemblyzer as an embedding to measure: an LSTM over 1.6 s windows, averaged (Wan et al., "Generalized End-to-End Loss", ICASSP 2018).

The package names dependencies that do not install everywhere, so it is installed without them: docs/evaluation.md tells how.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from models.features import Waveform

ADVICE = "pip install 'speakerd[compare]', then pip install --no-deps resemblyzer"


class ResemblyzerEmbedding:
    """The voice encoder of the `resemblyzer` package behind its own volume normalisation and voice activity detection."""

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings():
                # It imports from where scipy used to have things.
                warnings.simplefilter("ignore", DeprecationWarning)
                import resemblyzer  # noqa: PLC0415 - not everyone has it
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{error}; {ADVICE}") from None
        self._preprocess = resemblyzer.preprocess_wav
        self._encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)
        self.parameters: int = sum(parameter.numel() for parameter in self._encoder.parameters())

    def embed(self, waveform: Waveform) -> NDArray[np.float32] | None:
        """Map mono samples at 16 kHz in [-1, 1] to an embedding; None where its detector finds no speech."""
        # Its volume normalisation divides by the level.
        speech = self._preprocess(waveform) if waveform.any() else waveform[:0]
        if not len(speech):
            return None
        embedding: NDArray[np.float32] = self._encoder.embed_utterance(speech)
        return embedding
