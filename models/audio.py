"""Recorded files as waveforms for training and evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from models.features import SAMPLE_RATE, Waveform


def read_audio(path: Path) -> Waveform:
    """Decode a file of any format that libsndfile knows to mono float32 in [-1, 1] at 16 kHz, shape (samples,)."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono: Waveform = samples.mean(axis=1, dtype=np.float32)
    return mono if rate == SAMPLE_RATE else np.asarray(soxr.resample(mono, rate, SAMPLE_RATE), dtype=np.float32)
