"""What a microphone hears all day that is nobody's attempt: noise, music, silence and babble, made up or recorded.

All of it depends on the seed and the recordings alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import SAMPLE_RATE, Waveform

BLOCK: Final = 30 * SAMPLE_RATE
"""Streams are made and heard in pieces of at most so many samples: hours of audio need no gigabytes."""
GAP: Final = 2 * SAMPLE_RATE
"""Between two recorded noises, so that each is an attempt of its own."""
VOICES: Final = (5, 8, 12)
"""Voices at once in babble, in turns."""
LEVEL: Final = -26.0
"""Of music and babble, in dB relative to full scale."""
_MUSIC_BARS: Final = 4
_CHORDS: Final = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
"""Semitones over the key: I, vi, IV and V of a major key."""
_TONE_EVERY: Final = 5
_SILENCES: Final = (-np.inf, -75.0, -60.0, -45.0)
"""Levels of hiss in turns, in dB relative to full scale; the first is digital silence."""

Blocks = Iterator[Waveform]


def noises(recorded: Iterable[Waveform]) -> Blocks:
    """Yield recorded noises one after the other, with digital silence between them."""
    for noise in recorded:
        yield np.concatenate([noise, np.zeros(GAP, dtype=np.float32)])


def babble(spoken: Sequence[Waveform], samples: int, seed: int) -> Blocks:
    """Yield many voices at once, each as loud as the others and speaking on and on; `spoken` are recordings of speech."""
    random = np.random.default_rng((seed, 0))
    equal = [_scaled(recording, LEVEL) for recording in spoken if len(recording)]
    for number, length in enumerate(_lengths(samples)):
        voices = VOICES[number % len(VOICES)]
        yield _scaled(np.sum([_monologue(equal, length, random) for _ in range(voices)], axis=0), LEVEL)


def music(samples: int, seed: int) -> Blocks:
    """Yield made-up music: chords and a melody of decaying harmonic tones, with and without a drum, and now and then a lone tone."""
    random = np.random.default_rng((seed, 1))
    for number, length in enumerate(_lengths(samples)):
        piece = _tone(length, random) if number % _TONE_EVERY == 0 else _tune(length, random, drum=number % 2 == 1)
        yield _scaled(piece, LEVEL)


def silence(samples: int, seed: int) -> Blocks:
    """Yield digital silence, and the hiss and hum of microphones at several levels."""
    random = np.random.default_rng((seed, 2))
    for number, length in enumerate(_lengths(samples)):
        level = _SILENCES[number % len(_SILENCES)]
        hum = np.sin(2 * np.pi * 50.0 * np.arange(length) / SAMPLE_RATE)
        yield _scaled(random.normal(size=length) + hum, level)


def _lengths(samples: int) -> Iterator[int]:
    whole, rest = divmod(samples, BLOCK)
    return chain(repeat(BLOCK, whole), [rest] if rest else [])


def _monologue(spoken: Sequence[Waveform], length: int, random: np.random.Generator) -> Waveform:
    """Return randomly drawn recordings, one after the other, the first from somewhere in it on."""
    first = _any(spoken, random)
    parts = [first[int(random.integers(len(first))) :]]
    while sum(map(len, parts)) < length:
        parts.append(_any(spoken, random))
    return np.concatenate(parts)[:length]


def _any(spoken: Sequence[Waveform], random: np.random.Generator) -> Waveform:
    return spoken[int(random.integers(len(spoken)))]


def _tune(length: int, random: np.random.Generator, *, drum: bool) -> Waveform:
    key, beat = random.uniform(110.0, 220.0), round(random.uniform(0.35, 0.6) * SAMPLE_RATE)
    tune = np.zeros(length + _MUSIC_BARS * beat)
    for number, start in enumerate(range(0, length, beat)):
        chord = _CHORDS[number // _MUSIC_BARS % len(_CHORDS)]
        notes = [*(chord if number % _MUSIC_BARS == 0 else ()), 12 + int(random.choice(chord))]
        for note in notes:
            sound = _pluck(key * 2 ** (note / 12), 2 * beat, random)
            tune[start : start + len(sound)] += sound
        if drum:
            tune[start : start + beat] += _stroke(beat, random)
    return tune[:length].astype(np.float32)


def _pluck(hertz: float, length: int, random: np.random.Generator) -> Waveform:
    time = np.arange(length) / SAMPLE_RATE
    harmonics = range(1, min(8, int(7000.0 / hertz)))
    sound = sum(np.exp(-time * (2.0 + number)) / number * np.sin(2 * np.pi * number * hertz * time) for number in harmonics)
    return np.asarray(random.uniform(0.5, 1.0) * sound, dtype=np.float32)


def _stroke(length: int, random: np.random.Generator) -> Waveform:
    time = np.arange(length) / SAMPLE_RATE
    return np.asarray(0.8 * np.exp(-30.0 * time) * random.normal(size=length), dtype=np.float32)


def _tone(length: int, random: np.random.Generator) -> Waveform:
    hertz = random.uniform(150.0, 3000.0)
    return np.sin(2 * np.pi * hertz * np.arange(length) / SAMPLE_RATE).astype(np.float32)


def _scaled(sound: Waveform | NDArray[np.float64], level: float) -> Waveform:
    """Scale to a level in dB relative to full scale; what is silent stays silent, and nothing clips."""
    exact = np.asarray(sound, dtype=np.float64)
    loudness = np.sqrt(np.mean(exact**2)) if exact.size else 0.0
    if loudness <= 0.0:
        return np.asarray(sound, dtype=np.float32)
    scaled = exact * (10 ** (level / 20) / loudness)
    return np.asarray(scaled / max(1.0, np.abs(scaled).max()), dtype=np.float32)
