from __future__ import annotations

import numpy as np
import torch

from models.distill.fbank import batch_log_mel
from models.features import log_mel
from tests.audio import noise, voice


def test_training_features_are_those_of_the_runtime() -> None:
    audio = [voice(seed=1, seconds=1.3), voice(seed=2, seconds=1.3, level=-40.0), noise(1.3)]
    batched = batch_log_mel(torch.from_numpy(np.stack(audio))).numpy()
    for waveform, frames in zip(audio, batched, strict=True):
        expected = log_mel(waveform)
        assert frames.shape == expected.shape
        # Quiet bands are logarithms of rounding noise.
        assert np.abs(frames - expected).max() < 0.02
        assert np.abs(frames - expected).mean() < 1e-3
