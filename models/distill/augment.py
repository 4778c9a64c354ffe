"""What happens to speech before it reaches a microphone's other end: rooms, noise, other voices, narrow bands, level."""

from __future__ import annotations

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from models.distill.corpus import Corpus
from models.features import SAMPLE_RATE

Random = np.random.Generator
REVERB_SECONDS = 0.8


class AugmentConfig(BaseModel):
    """Probability of each effect, and their ranges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noise: float = 0.55
    babble: float = 0.15
    snr_db: tuple[float, float] = (0.0, 20.0)
    reverb: float = 0.4
    rt60_seconds: tuple[float, float] = (0.1, 0.7)
    telephone: float = 0.12
    gain_db: tuple[float, float] = (-26.0, 3.0)
    mask: float = 0.3


class Augmenter:
    """Applies the effects of `config` to batches of waveforms, (batch, samples)."""

    def __init__(self, config: AugmentConfig, noise: Corpus, speech: Corpus) -> None:
        self.config = config
        self.noise = noise
        self.speech = speech

    def __call__(self, waveforms: Tensor, random: Random) -> Tensor:
        """Return the waveforms as a microphone might have heard them. Same `random` state, same result."""
        length = waveforms.shape[-1]
        filtered = self._filter(waveforms, random)
        noisy = filtered + self._background(filtered, random)
        gains = torch.from_numpy(10 ** (random.uniform(*self.config.gain_db, (len(waveforms), 1)) / 20)).float()
        # Relative to full scale: quiet recordings stay audible in 16 bits, loud ones clip as they would.
        peaks = noisy.abs().amax(dim=-1, keepdim=True).clamp(min=1e-3)
        return (noisy / peaks * gains).clamp(-1.0, 1.0)[:, :length]

    def _filter(self, waveforms: Tensor, random: Random) -> Tensor:
        """Convolve with a room and limit the band, both as one product of spectra."""
        batch, length = waveforms.shape
        size = scipy.fft.next_fast_len(length + int(REVERB_SECONDS * SAMPLE_RATE), real=True)
        rooms = np.stack([self._room(random) for _ in range(batch)])
        response = torch.fft.rfft(torch.from_numpy(rooms), size)
        narrow = torch.from_numpy(random.random((batch, 1)) < self.config.telephone)
        response = torch.where(narrow, response * _telephone_band(size), response)
        heard: Tensor = torch.fft.irfft(torch.fft.rfft(waveforms, size) * response, size)
        return heard[:, :length]

    def _room(self, random: Random) -> NDArray[np.float32]:
        """Impulse response of a made-up room: the direct sound and exponentially decaying diffuse noise (Moorer, 1979)."""
        response = np.zeros(int(REVERB_SECONDS * SAMPLE_RATE), dtype=np.float32)
        if random.random() < self.config.reverb:
            rt60 = random.uniform(*self.config.rt60_seconds)
            time = np.arange(response.size) / SAMPLE_RATE
            tail = random.standard_normal(response.size) * 10 ** (-3.0 * time / rt60)
            tail[: int(random.uniform(0.001, 0.02) * SAMPLE_RATE)] = 0.0
            direct_to_reverberant = random.uniform(0.3, 4.0)
            response += (tail / np.sqrt(np.sum(tail**2) * direct_to_reverberant + 1e-9)).astype(np.float32)
        response[0] += 1.0
        return response

    def _background(self, waveforms: Tensor, random: Random) -> Tensor:
        length = waveforms.shape[-1]
        backgrounds = torch.from_numpy(np.stack([self._sound(length, random) for _ in waveforms]))
        snr = torch.from_numpy(random.uniform(*self.config.snr_db, (len(waveforms), 1))).float()
        wanted = waveforms.square().mean(dim=-1, keepdim=True) / 10 ** (snr / 10)
        present = backgrounds.square().mean(dim=-1, keepdim=True).clamp(min=1e-10)
        return backgrounds * (wanted / present).sqrt()

    def _sound(self, length: int, random: Random) -> NDArray[np.float32]:
        """A stretch of noise, of several other voices, or of silence."""
        kind = random.random()
        if kind < self.config.noise:
            return _stretch(self.noise, length, random)
        if kind < self.config.noise + self.config.babble:
            voices = [_stretch(self.speech, length, random) for _ in range(random.integers(1, 6))]
            together: NDArray[np.float32] = np.sum(voices, axis=0, dtype=np.float32)
            return together
        return np.zeros(length, dtype=np.float32)


def mask_bands(frames: Tensor, fill: Tensor, probability: float, random: Random) -> Tensor:
    """Hide a band of up to 10 mel bins in some of the batch, (batch, time, 80), behind `fill`, (80,).

    Park et al., "SpecAugment", Interspeech 2019.
    """
    hidden = torch.zeros(len(frames), 1, frames.shape[-1], dtype=torch.bool)
    for row in range(len(frames)):
        if random.random() < probability:
            width, start = random.integers(1, 11), random.integers(0, frames.shape[-1] - 10)
            hidden[row, 0, start : start + width] = True
    return torch.where(hidden, fill, frames)


def _stretch(corpus: Corpus, length: int, random: Random) -> NDArray[np.float32]:
    index = int(random.integers(len(corpus.lengths)))
    return corpus.looped(index, int(random.integers(corpus.lengths[index])), length)


def _telephone_band(size: int) -> Tensor:
    """Pass band of a telephone line, 300 to 3400 Hz, with soft edges."""
    hertz = torch.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    return torch.sigmoid((hertz - 250.0) / 40.0) * torch.sigmoid((3600.0 - hertz) / 60.0)
