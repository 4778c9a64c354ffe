"""What happens to speech before it reaches a microphone's other end: rooms, noise, other voices, narrow bands, level."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import scipy.fft
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from models.distill.corpus import Corpus
from models.evaluate.rooms import LAYOUTS, impulse_response
from models.features import SAMPLE_RATE

Random = np.random.Generator
REVERB_SECONDS: Final = 0.8
"""Rooms ring no longer than this."""
ROOMS: Final = 32
"""Rooms for each reverberation time; those that evaluation uses are not among them."""
MU: Final = 255.0
MOMENT: Final = 20
"""Frames of 10 ms."""
COLOUR_KNOTS: Final = 6
"""Frequencies between which the gain of a coloured sound is interpolated."""
COLOUR_WARP: Final = 0.5
"""Power of the frequency by which these are spread: closer to each other where hearing is finer, much as mel bins are."""


class AugmentConfig(BaseModel):
    """Probability of each effect, and their ranges.

    speed: of playing up to `speed_share` faster or slower, little enough to stay the same voice. What was `telephone` is 8-bit mu-law
    (ITU-T G.711) in half of the cases. colour: of a microphone or a place that lifts some frequencies and lowers others, by `colour_db`.
    mask, mask_time: of hiding a band, or a moment, of the log-mel frames.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    speed: float = 0.0
    speed_share: float = 0.05
    noise: float = 0.55
    babble: float = 0.15
    snr_db: tuple[float, float] = (0.0, 20.0)
    reverb: float = 0.4
    rt60_seconds: tuple[float, ...] = (0.15, 0.25, 0.35, 0.5, 0.7)
    colour: float = 0.0
    colour_db: float = 6.0
    telephone: float = 0.2
    opus: float = 0.01
    gain_db: tuple[float, float] = (-26.0, 3.0)
    mask: float = 0.3
    mask_time: float = 0.0


class Augmenter:
    """Applies the effects of `config` to batches of waveforms, (batch, samples)."""

    def __init__(self, config: AugmentConfig, noise: Corpus, speech: Corpus) -> None:
        self.config = config
        self.noise = noise
        self.speech = speech

    def __call__(self, waveforms: Tensor, random: Random) -> Tensor:
        """Return the waveforms as a microphone, or the far end of a line, might have heard them. Same `random` state, same result."""
        heard = self._in_rooms(self._at_other_speeds(waveforms, random), random)
        heard = self._coloured(heard + self._background(heard, random), random)
        gains = torch.from_numpy(10 ** (random.uniform(*self.config.gain_db, (len(waveforms), 1)) / 20)).float()
        # Relative to full scale: quiet recordings stay audible in 16 bits, loud ones clip as they would.
        peaks = heard.abs().amax(dim=-1, keepdim=True).clamp(min=1e-3)
        return self._over_lines((heard / peaks * gains).clamp(-1.0, 1.0), random)

    def _at_other_speeds(self, waveforms: Tensor, random: Random) -> Tensor:
        """Play some of the waveforms faster or slower, as long as before: what is too short starts over."""
        if not self.config.speed:
            return waveforms
        rows = np.flatnonzero(random.random(len(waveforms)) < self.config.speed)
        length = waveforms.shape[-1]
        played = np.zeros((len(rows), length), dtype=np.float32)
        for row, samples in zip(rows, played, strict=True):
            faster = 1.0 + random.uniform(-self.config.speed_share, self.config.speed_share)
            samples[:] = np.resize(soxr.resample(waveforms[row].numpy(), SAMPLE_RATE * faster, SAMPLE_RATE), length)
        return _replace(waveforms, rows, torch.from_numpy(played)) if len(rows) else waveforms

    def _in_rooms(self, waveforms: Tensor, random: Random) -> Tensor:
        """Convolve some of the waveforms with the impulse responses of rooms."""
        rows = np.flatnonzero(random.random(len(waveforms)) < self.config.reverb)
        if not len(rows):
            return waveforms
        responses = np.zeros((len(rows), int(REVERB_SECONDS * SAMPLE_RATE)), dtype=np.float32)
        for response in responses:
            room = impulse_response(float(random.choice(self.config.rt60_seconds)), LAYOUTS + int(random.integers(ROOMS)))[: len(response)]
            response[: len(room)] = room
        size = _fft_size(waveforms.shape[-1] + responses.shape[-1])
        spectra = torch.fft.rfft(waveforms[rows], size) * torch.fft.rfft(torch.from_numpy(responses), size)
        return _replace(waveforms, rows, torch.fft.irfft(spectra, size))

    def _coloured(self, waveforms: Tensor, random: Random) -> Tensor:
        """Lift and lower broad bands of some of the waveforms."""
        if not self.config.colour:
            return waveforms
        rows = np.flatnonzero(random.random(len(waveforms)) < self.config.colour)
        if not len(rows):
            return waveforms
        size = _fft_size(waveforms.shape[-1])
        mels = np.linspace(0.0, 1.0, size // 2 + 1) ** COLOUR_WARP
        decibels = random.normal(0.0, self.config.colour_db, (len(rows), COLOUR_KNOTS))
        curves = np.stack([np.interp(mels, np.linspace(0.0, 1.0, COLOUR_KNOTS), row) for row in decibels])
        gains = torch.from_numpy(10 ** (curves / 20)).float()
        return _replace(waveforms, rows, torch.fft.irfft(torch.fft.rfft(waveforms[rows], size) * gains, size))

    def _over_lines(self, waveforms: Tensor, random: Random) -> Tensor:
        """Send some of the waveforms over a telephone, some through an Opus codec."""
        line = random.random(len(waveforms))
        if len(rows := np.flatnonzero(line < self.config.telephone)):
            coded = torch.from_numpy(random.random((len(rows), 1)) < 0.5)  # noqa: PLR2004 - half of the telephones
            narrow = _narrow(waveforms[rows])
            waveforms = _replace(waveforms, rows, torch.where(coded, _mu_law(narrow), narrow))
        if len(rows := np.flatnonzero(line >= 1.0 - self.config.opus)):
            compressed = [_opus(waveforms[row].numpy(), random.uniform(0.5, 1.0)) for row in rows]
            waveforms = _replace(waveforms, rows, torch.from_numpy(np.stack(compressed)))
        return waveforms

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


def mask_moments(frames: Tensor, fill: Tensor, probability: float, random: Random) -> Tensor:
    """Hide up to `MOMENT` frames in a row in some of the batch, as `mask_bands` does bands."""
    hidden = torch.zeros(len(frames), frames.shape[1], 1, dtype=torch.bool)
    for row in range(len(frames)):
        if random.random() < probability:
            width, start = random.integers(1, MOMENT + 1), random.integers(0, frames.shape[1])
            hidden[row, start : start + width] = True
    return torch.where(hidden, fill, frames)


def _stretch(corpus: Corpus, length: int, random: Random) -> NDArray[np.float32]:
    index = int(random.integers(len(corpus.lengths)))
    return corpus.looped(index, int(random.integers(corpus.lengths[index])), length)


def _fft_size(length: int) -> int:
    return int(scipy.fft.next_fast_len(length, real=True))


def _replace(waveforms: Tensor, rows: NDArray[np.intp], others: Tensor) -> Tensor:
    """Put `others`, as far as they are as long, in the place of some rows."""
    waveforms = waveforms.clone()
    waveforms[rows] = others[:, : waveforms.shape[-1]]
    return waveforms


def _mu_law(waveforms: Tensor) -> Tensor:
    """Round samples in [-1, 1] to the 256 steps of mu-law and back."""
    compressed = torch.sign(waveforms) * torch.log1p(MU * waveforms.abs().clamp(max=1.0)) / np.log1p(MU)
    rounded = torch.round(compressed * 127.0) / 127.0
    return torch.sign(rounded) * torch.expm1(rounded.abs() * np.log1p(MU)) / MU


def _opus(waveform: NDArray[np.float32], compression: float) -> NDArray[np.float32]:
    """Send samples through an Opus encoder; compression 0 to 1 is from its highest to its lowest bit rate."""
    coded = io.BytesIO()
    soundfile.write(coded, waveform, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=compression)
    coded.seek(0)
    decoded: NDArray[np.float32] = soundfile.read(coded, dtype="float32")[0][: len(waveform)]
    return np.pad(decoded, (0, len(waveform) - len(decoded)))


def _narrow(waveforms: Tensor) -> Tensor:
    """Keep the pass band of a telephone line, 300 to 3400 Hz, with soft edges."""
    size = _fft_size(waveforms.shape[-1])
    hertz = torch.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    band = torch.sigmoid((hertz - 250.0) / 40.0) * torch.sigmoid((3600.0 - hertz) / 60.0)
    narrow: Tensor = torch.fft.irfft(torch.fft.rfft(waveforms, size) * band, size)
    return narrow
