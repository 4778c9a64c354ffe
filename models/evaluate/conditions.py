"""Conditions under which a recording is verified: little speech, noise, a room, a telephone.

A condition changes the test recordings of trials; enrollments stay as they were recorded. Whatever is random about it is drawn from
a generator that depends on the recording alone, so every embedding hears the same, and a noise is the same one at every level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zlib import crc32

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from models.audio import read_audio
from models.evaluate.rooms import LAYOUTS, impulse_response
from models.features import SAMPLE_RATE, Waveform

VALUES: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "seconds": (1.0, 2.0, 3.0, 5.0, 10.0),
        "noise": (20.0, 10.0, 5.0, 0.0),
        "room": (0.3, 0.6),
        "telephone": (8000.0,),
    }
)
"""Kind of condition -> what it is measured at: seconds of speech, dB of SNR, seconds of reverberation, samples per second."""
TELEPHONE_BAND: Final = (300.0, 3400.0)
FRAME: Final = SAMPLE_RATE // 50
SPEECH_RANGE: Final = 30.0
"""A frame of 20 ms is speech if its level is at most so many dB below that of the loudest."""
_MU: Final = 255.0


class ConditionError(ValueError):
    """A condition cannot be made; the message says what is missing."""


@dataclass(frozen=True)
class Condition:
    """One value of one kind in `VALUES`; `noises` are the files that noise is taken from."""

    kind: str
    value: float
    noises: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The value as figures are labelled with it."""
        return f"{self.value:g}"

    def apply(self, waveform: Waveform, random: np.random.Generator) -> Waveform:
        """Return the recording, mono at 16 kHz, as heard under the condition. Raises `ConditionError` for an unusable noise."""
        if not waveform.size:
            return waveform
        match self.kind:
            case "seconds":
                return first_seconds(waveform, self.value)
            case "noise":
                return add_noise(waveform, draw_noise(self.noises, len(waveform), random), self.value)
            case "room":
                return reverberate(waveform, impulse_response(self.value, int(random.integers(LAYOUTS))))
            case "telephone":
                return telephone(waveform, int(self.value))
        raise ConditionError(f"condition {self.kind!r} is not known; known are: {', '.join(VALUES)}")


def conditions_of(kinds: Sequence[str], noises: Sequence[Path]) -> list[Condition]:
    """Return every value of these kinds. Raises `ConditionError` where noise is asked for and there is none."""
    if "noise" in kinds and not noises:
        raise ConditionError("to measure by noise, name a list of noises that is not empty")
    files = {"noise": tuple(noises)}
    return [Condition(kind, value, files.get(kind, ())) for kind in dict.fromkeys(kinds) for value in VALUES[kind]]


def random_of(path: Path) -> np.random.Generator:
    """Return the generator of one recording: it depends on what is in the file, not on its name or place in a list."""
    return np.random.default_rng(crc32(path.read_bytes()))


def speech_frames(waveform: Waveform) -> NDArray[np.bool_]:
    """Return which whole frames of 20 ms are speech, (samples // FRAME,)."""
    power = _power(waveform)
    speech: NDArray[np.bool_] = power > power.max(initial=0.0) * 10 ** (-SPEECH_RANGE / 10)
    return speech


def first_seconds(waveform: Waveform, seconds: float) -> Waveform:
    """Cut a recording where so much speech was heard; pauses do not count. One with less speech stays whole."""
    heard = np.cumsum(speech_frames(waveform))
    last = int(np.searchsorted(heard, round(seconds * SAMPLE_RATE / FRAME)))
    return waveform[: (last + 1) * FRAME]


def draw_noise(files: Sequence[Path], length: int, random: np.random.Generator) -> Waveform:
    """Return a stretch of one of the files, from anywhere on and looped, (length,). Raises `ConditionError` for an unusable file."""
    path = files[int(random.integers(len(files)))]
    try:
        noise = read_audio(path)
    except soundfile.SoundFileError as error:
        raise ConditionError(f"noise {path} cannot be read: {error}") from None
    if not noise.any():
        raise ConditionError(f"noise {path} is silent: remove it from the list")
    # Many recorded noises are padded with digital silence, which no gain makes audible.
    start = random.choice(np.flatnonzero(noise))
    return np.take(noise, np.arange(start, start + length), mode="wrap")


def add_noise(waveform: Waveform, noise: Waveform, snr: float) -> Waveform:
    """Add noise of the same length so that the mean power of the speech frames is `snr` dB over that of the noise."""
    speech = _power(waveform)[speech_frames(waveform)]
    wanted = (speech.mean() if speech.size else 0.0) / 10 ** (snr / 10)
    gain = np.sqrt(wanted / np.mean(noise.astype(np.float64) ** 2))
    return _within_range(waveform + np.float32(gain) * noise)


def reverberate(waveform: Waveform, response: Waveform) -> Waveform:
    """Convolve with an impulse response; what rings on after the recording's end is cut off."""
    size = 1 << (len(waveform) + len(response) - 2).bit_length()
    heard = np.fft.irfft(np.fft.rfft(waveform, size) * np.fft.rfft(response, size), size)
    return _within_range(heard[: len(waveform)].astype(np.float32))


def telephone(waveform: Waveform, rate: int = 8000) -> Waveform:
    """Pass 300 to 3400 Hz, sample `rate` times per second, in 8 bits of mu-law, and return to 16 kHz, as long as before."""
    narrow = soxr.resample(_band_pass(waveform, *TELEPHONE_BAND), SAMPLE_RATE, rate)
    heard = soxr.resample(_mu_law(narrow), rate, SAMPLE_RATE)
    padded = np.pad(heard, (0, max(0, len(waveform) - len(heard))))
    return _within_range(padded[: len(waveform)].astype(np.float32))


def _band_pass(waveform: Waveform, low: float, high: float) -> Waveform:
    spectrum = np.fft.rfft(waveform)
    hertz = np.fft.rfftfreq(len(waveform), 1.0 / SAMPLE_RATE)
    return np.fft.irfft(spectrum * ((low <= hertz) & (hertz <= high)), len(waveform)).astype(np.float32)


def _mu_law(waveform: Waveform) -> Waveform:
    """Quantise to 256 steps that are equal in the logarithmic law of ITU-T G.711."""
    level = np.log1p(_MU * np.minimum(np.abs(waveform), 1.0)) / np.log1p(_MU)
    steps = np.rint(level * 127.0) / 127.0
    return np.asarray(np.sign(waveform) * np.expm1(steps * np.log1p(_MU)) / _MU, dtype=np.float32)


def _power(waveform: Waveform) -> NDArray[np.float64]:
    frames = waveform[: len(waveform) // FRAME * FRAME].reshape(-1, FRAME)
    power: NDArray[np.float64] = np.mean(frames.astype(np.float64) ** 2, axis=1)
    return power


def _within_range(waveform: Waveform) -> Waveform:
    """Make it quieter where it would be clipped."""
    return waveform / np.float32(max(1.0, np.abs(waveform).max(initial=0.0)))
