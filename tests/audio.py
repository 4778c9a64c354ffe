"""Deterministic synthetic sound for tests: voices that a speech detector takes for speech, and what it must not take for it.

A voice is a harmonic source under formant resonances, spoken in syllables; its seed decides pitch and formants, the `take`
decides what is said. The same arguments always give the same samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.features import SAMPLE_RATE, Waveform

SYLLABLES_PER_SECOND = 4.0
BANDWIDTH = 90.0
"""Width of a formant in Hz."""
TOP = 7000.0
"""Highest harmonic in Hz."""


def samples(seconds: float) -> int:
    """Return how many samples that is."""
    return round(seconds * SAMPLE_RATE)


def silence(seconds: float) -> Waveform:
    """Return digital silence."""
    return np.zeros(samples(seconds), dtype=np.float32)


def noise(seconds: float, level: float = -50.0, seed: int = 0) -> Waveform:
    """Return white noise of `level` dB relative to full scale."""
    return np.random.default_rng(seed).normal(0.0, 10 ** (level / 20), samples(seconds)).astype(np.float32)


def voice(seed: int, seconds: float, take: int = 0, level: float = -20.0) -> Waveform:
    """Return voice number `seed` saying `take` at `level` dB, without a pause longer than between syllables."""
    person = np.random.default_rng(seed)
    pitch, formants = person.uniform(90.0, 220.0), _formants(person)
    time = np.arange(samples(seconds)) / SAMPLE_RATE
    saying = np.random.default_rng((seed, take))
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.06 * np.sin(2 * np.pi * saying.uniform(0.4, 0.8) * time))) / SAMPLE_RATE
    speech = sum(
        _gain(number * pitch, formants) * np.sin(number * phase + saying.uniform(0, 2 * np.pi)) for number in range(1, int(TOP / pitch))
    )
    spoken = speech * (0.1 + np.sin(np.pi * SYLLABLES_PER_SECOND * time + saying.uniform(0, np.pi)) ** 2)
    scaled: Waveform = (spoken * 10 ** (level / 20) / np.sqrt(np.mean(spoken**2))).astype(np.float32)
    return scaled


def join(*parts: Waveform) -> Waveform:
    """Return the parts one after the other."""
    return np.concatenate(parts)


def _formants(person: np.random.Generator) -> NDArray[np.float64]:
    return np.array([500.0, 1500.0, 2500.0, 3700.0, 5200.0]) * person.uniform(0.8, 1.25, 5)


def _gain(frequency: float, formants: NDArray[np.float64]) -> float:
    """Return the vocal tract's gain: the sum of its resonances, over a source that falls by 6 dB per octave."""
    resonances = 1.0 / (1.0 + ((frequency - formants) / BANDWIDTH) ** 2)
    return float((0.003 + resonances.sum()) * 100.0 / frequency)
