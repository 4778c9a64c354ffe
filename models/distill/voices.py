"""Voices that nobody has, made of the recordings: slower or faster, with other formants.

Played at another speed, everyone becomes someone else (Yamamoto et al., "Speaker augmentation and bandwidth extension for deep speaker
embedding", Interspeech 2019). Pitch and formants then move together; in people they do so only in part, so the spectral envelope of a
made-up voice is stretched on its own (Jaitly and Hinton, "Vocal Tract Length Perturbation", ICML 2013 workshop, on the envelope alone).
The teacher hears each copy as it is, so that each has targets of its own.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from models.distill.targets import digest
from models.features import SAMPLE_RATE
from models.manifest import Recording

PITCH: Final = (0.8, 1.25)
FORMANTS: Final = (0.83, 1.2)
"""Of a made-up voice, against those of who spoke: evenly on a logarithmic scale."""
APART: Final = 1.17
"""Pitch and formants move apart by no more than this."""
_FFT: Final = 512
_HOP: Final = 128
_CEPSTRUM: Final = 32
"""Coefficients, in samples of quefrency, that tell the envelope: below the period of a child's voice."""
_MOST: Final = 2.3
"""Natural logarithm of the most that a frequency is lifted or lowered (20 dB)."""


class Voice(NamedTuple):
    """How recordings are played. speed: moves pitch and formants; formants: moves these alone, both as factors."""

    speed: float
    formants: float = 1.0

    @property
    def name(self) -> str:
        """For files and labels."""
        return f"{self.speed:g}" if self.formants == 1.0 else f"{self.speed:g}-{self.formants:g}"

    def of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return mono samples at 16 kHz, (samples,), as this voice says them, (samples / speed,)."""
        played: NDArray[np.float32] = soxr.resample(samples, SAMPLE_RATE * self.speed, SAMPLE_RATE)
        return played if self.formants == 1.0 else _with_formants(played, self.formants)


def made_up_voice(recording: Recording, number: int) -> Voice:
    """Return made-up voice `number` of a recording's speaker: the same for all recordings of a known one."""
    who = f"{recording.corpus}/{recording.speaker}" if recording.labelled else digest(recording.path)
    random = np.random.default_rng([crc32(who.encode()), number])
    pitch, formants = (float(np.exp(random.uniform(*np.log(span)))) for span in (PITCH, FORMANTS))
    return Voice(round(pitch, 3), round(float(np.clip(formants / pitch, 1.0 / APART, APART)), 3))


def _with_formants(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    window = torch.hann_window(_FFT)
    padded = np.pad(samples, (0, max(0, _FFT - len(samples))))
    spectrum = torch.stft(torch.from_numpy(padded), _FFT, _HOP, window=window, return_complex=True)
    logarithm = spectrum.abs().clamp(min=1e-6).log()
    cepstrum = torch.fft.irfft(logarithm, dim=0)
    cepstrum[_CEPSTRUM : _FFT - _CEPSTRUM + 1] = 0.0
    envelope = torch.fft.rfft(cepstrum, dim=0).real
    bins = torch.arange(len(envelope)) / factor
    lower = bins.long().clamp(max=len(envelope) - 2)
    share = (bins - lower).clamp(max=1.0)[:, None]
    moved = (1.0 - share) * envelope[lower] + share * envelope[lower + 1]
    shaped = spectrum * (moved - envelope).clamp(-_MOST, _MOST).exp()
    played: NDArray[np.float32] = torch.istft(shaped, _FFT, _HOP, window=window, length=len(padded)).numpy()
    return played[: len(samples)]
