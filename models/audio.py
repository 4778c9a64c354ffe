"""Recorded files as waveforms for training and evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from models.features import MAX_LEVEL, SAMPLE_RATE, Waveform


def read_audio(path: Path) -> Waveform:
    """Decode a file of any format that libsndfile knows to mono float32 in [-1, 1] at 16 kHz, shape (samples,).

    Raises `soundfile.SoundFileError` for what is none, or holds samples that are not finite, or far outside of [-1, 1].
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except TypeError:  # Of what is called .raw, which tells neither rate nor format.
        raise soundfile.SoundFileError(f"{path} has no header, which would tell its rate: convert it to wav or flac") from None
    if not (np.abs(samples) <= MAX_LEVEL).all():
        raise soundfile.SoundFileError(f"{path} has samples that are not finite or far outside of [-1, 1]: scale them")
    mono: Waveform = samples.mean(axis=1, dtype=np.float32)
    return mono if rate == SAMPLE_RATE else np.asarray(soxr.resample(mono, rate, SAMPLE_RATE), dtype=np.float32)
