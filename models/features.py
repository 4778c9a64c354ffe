"""Waveform to log-mel frames, incrementally.

Kaldi filter banks as the x-vector recipes use them (Povey et al., "The Kaldi Speech Recognition Toolkit", ASRU 2011):
16 kHz, 80 mel bins, 25 ms windows every 10 ms, Povey window, no dither.
"""

from __future__ import annotations

from typing import Final

import kaldi_native_fbank
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
"""Samples per second that every model here expects."""
MAX_LEVEL: Final = 8.0
"""Float samples beyond this are integers that nobody scaled: no lossy decoder overshoots full scale by 18 dB."""
MEL_BINS: Final = 80
FRAME_SAMPLES: Final = 400
"""Samples under one window (25 ms)."""
HOP_SAMPLES: Final = 160
"""Samples from one frame to the next (10 ms)."""

Waveform = NDArray[np.float32]
Frames = NDArray[np.float32]


def frame_count(samples: int) -> int:
    """Number of whole windows in `samples` samples; a window that the audio does not fill is not a frame."""
    return 0 if samples < FRAME_SAMPLES else 1 + (samples - FRAME_SAMPLES) // HOP_SAMPLES


class FeatureStream:
    """Log-mel frames of one stream, computed as its audio arrives.

    The frames depend only on the samples, never on how they were cut into pieces.
    """

    def __init__(self) -> None:
        self._fbank = kaldi_native_fbank.OnlineFbank(_options())
        self._taken = 0

    def push(self, samples: Waveform) -> Frames:
        """Take samples in [-1, 1] at 16 kHz, shape (n,); return the frames they complete, shape (m, 80), m >= 0."""
        # The binding converts a Python list per call; contiguous float32 spares it a second copy.
        self._fbank.accept_waveform(SAMPLE_RATE, np.ascontiguousarray(samples, dtype=np.float32))
        ready = self._fbank.num_frames_ready
        frames = np.empty((ready - self._taken, MEL_BINS), dtype=np.float32)
        for row, index in enumerate(range(self._taken, ready)):
            frames[row] = self._fbank.get_frame(index)
        self._fbank.pop(ready - self._taken)
        self._taken = ready
        return frames


def log_mel(samples: Waveform) -> Frames:
    """All frames of a whole recording, shape (frames, 80): a fresh `FeatureStream` fed once."""
    return FeatureStream().push(samples)


def _options() -> kaldi_native_fbank.FbankOptions:
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = MEL_BINS
    return options
