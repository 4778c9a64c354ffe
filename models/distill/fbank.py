"""The features of `models.features`, for batches of training audio in torch."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from models.features import FRAME_SAMPLES, HOP_SAMPLES, MEL_BINS, SAMPLE_RATE

FFT_SIZE: Final = 512
LOWEST_HZ: Final = 20.0
PREEMPHASIS: Final = 0.97


def batch_log_mel(waveforms: Tensor) -> Tensor:
    """Map waveforms in [-1, 1], (batch, samples), to log-mel frames, (batch, frames, 80), as Kaldi does."""
    windows = waveforms.unfold(-1, FRAME_SAMPLES, HOP_SAMPLES)
    windows = windows - windows.mean(dim=-1, keepdim=True)
    previous = F.pad(windows, (1, 0), mode="replicate")[..., :-1]
    spectrum = torch.fft.rfft((windows - PREEMPHASIS * previous) * _povey_window(), FFT_SIZE)
    # Kaldi's filters leave out the bin at half the sample rate.
    power = spectrum.real.square() + spectrum.imag.square()
    energies: Tensor = power[..., :-1] @ _mel_filters()
    return energies.clamp(min=torch.finfo(torch.float32).eps).log()


@cache
def _povey_window() -> Tensor:
    return torch.hann_window(FRAME_SAMPLES, periodic=False).pow(0.85)


@cache
def _mel_filters() -> Tensor:
    """Triangles on the mel scale, (FFT_SIZE / 2, 80)."""
    edges = torch.linspace(_mel(LOWEST_HZ), _mel(SAMPLE_RATE / 2), MEL_BINS + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    bins = torch.tensor([_mel(i * SAMPLE_RATE / FFT_SIZE) for i in range(FFT_SIZE // 2)])[:, None]
    return torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp(min=0)


def _mel(hertz: float) -> float:
    return 1127.0 * math.log(1.0 + hertz / 700.0)
