"""Detectors of voices: asked of one hop after the other, how likely it is one."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from daemon.config import VadConfig
from models.features import SAMPLE_RATE

HOP: Final = 160
"""Samples that are judged at a time (10 ms)."""


class VoiceDetector(Protocol):
    """Judges one stream, hop by hop; it may remember the hops before, and looks at none that follow."""

    def voice(self, hop: NDArray[np.int16]) -> float:
        """Take the next `HOP` samples of 16-bit PCM; return how likely they are a voice, 0 to 1."""
        ...

    def reset(self) -> None:
        """Forget all hops: what comes now does not follow them."""
        ...


class WebRtcDetector:
    """WebRTC's detector: Gaussian mixtures over six bands. `aggressiveness` 0 to 3: the higher, the less passes for a voice."""

    def __init__(self, aggressiveness: int) -> None:
        self._aggressiveness = aggressiveness
        self.reset()

    def voice(self, hop: NDArray[np.int16]) -> float:
        """See `VoiceDetector`: 0 or 1, since it tells no probabilities."""
        return float(self._vad.is_speech(hop.tobytes(), SAMPLE_RATE))

    def reset(self) -> None:
        """See `VoiceDetector`."""
        self._vad = webrtcvad.Vad(self._aggressiveness)


def voice_detector(config: VadConfig) -> VoiceDetector:
    """Return a detector for one stream. Raises `models.weights.ModelFileError` if its model cannot be loaded."""
    if config.kind == "webrtc":
        return WebRtcDetector(config.aggressiveness)
    # Imported here because the state machines, which ask for detectors, must not load onnxruntime.
    from daemon.hearing.silero import SileroDetector, load_silero  # noqa: PLC0415

    return SileroDetector(load_silero())
