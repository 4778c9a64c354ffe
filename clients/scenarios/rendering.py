"""The sound of a scenario: always the same samples for the same file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from clients.audio import Audio, AudioFormat, Encoding
from clients.files import open_audio
from clients.scenarios.layout import lay_out
from clients.scenarios.scenario import Color, Noise, Recorded, Scenario, Silence
from clients.scenarios.timeline import Timeline

Samples = NDArray[np.float32]

_FULL_SCALE: Final = 2**15
_CHUNKS_PER_SECOND: Final = 10
_BACKGROUND: Final = 2**16
"""Stands for the background where the others have the number of their part: each has noise of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A scenario as a microphone delivers it.

    samples: shape (n,), mono, in [-1, 1], on the grid of 16 bits: clipped where the scenario is too loud. rate: in hertz.
    """

    samples: Samples
    rate: int
    timeline: Timeline

    @property
    def pcm(self) -> NDArray[np.int16]:
        """The same samples as 16-bit integers, shape (n,)."""
        return (self.samples * _FULL_SCALE).astype("<i2")

    def audio(self) -> Audio:
        """Return the stream as a client sends it, in chunks of 100 ms."""
        return Audio(AudioFormat(Encoding.LINEAR16, self.rate), self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        pcm, size = self.pcm, self.rate // _CHUNKS_PER_SECOND
        for start in range(0, len(pcm), size):
            yield pcm[start : start + size].tobytes()


def render(scenario: Scenario) -> Rendered:
    """Mix the scenario's parts. Raises `AudioFileError` if a recording cannot be read any more."""
    timeline = lay_out(scenario)
    mixed = np.zeros(round(timeline.seconds * scenario.rate), dtype=np.float32)
    if scenario.background is not None:
        mixed += _noise((scenario.seed, _BACKGROUND), len(mixed), scenario.background.level_dbfs, scenario.background.color)
    for index, part in enumerate(scenario.audio):
        if not isinstance(part, Silence):
            _add(mixed, scenario, index, part, timeline)
    return Rendered(_quantized(mixed), scenario.rate, timeline)


def write_wav(rendered: Rendered, path: Path) -> None:
    """Write what the daemon would hear, sample for sample. Raises `OSError`."""
    with path.open("wb") as file:
        soundfile.write(file, rendered.pcm, rendered.rate, format="WAV", subtype="PCM_16")


def _add(mixed: Samples, scenario: Scenario, index: int, part: Recorded | Noise, timeline: Timeline) -> None:
    """Add a part wherever it is heard."""
    places = [slice(round(span.start * scenario.rate), round(span.end * scenario.rate)) for span in timeline.spans if span.part == index]
    sound = _sound(scenario, index, part, places[0].stop - places[0].start)
    for place in places:
        mixed[place] += sound


def _sound(scenario: Scenario, index: int, part: Recorded | Noise, length: int) -> Samples:
    if isinstance(part, Noise):
        return _noise((scenario.seed, index), length, part.level_dbfs, part.color)
    return _cut(part, scenario.rate, length) * np.float32(10 ** (part.gain_db / 20))


def _cut(part: Recorded, rate: int, length: int) -> Samples:
    """Return `length` samples from where the cut begins, taken after resampling, so that its edges do not ring."""
    whole = np.frombuffer(b"".join(open_audio(part.file, rate).chunks), dtype="<f4")
    cut = whole[round(part.start * rate) :][:length]
    return np.pad(cut, (0, length - len(cut)))


def _noise(seed: tuple[int, int], length: int, level_dbfs: float, color: Color) -> Samples:
    white = np.random.default_rng(seed).standard_normal(length, dtype=np.float32)
    noise = white if color == "white" else _pink(white)
    scaled: Samples = noise * np.float32(10 ** (level_dbfs / 20) / np.sqrt(np.mean(noise**2)))
    return scaled


def _pink(white: Samples) -> Samples:
    """Let the power fall by 3 dB per octave, without what is slower than the noise is long."""
    spectrum = np.fft.rfft(white)
    spectrum[0] = 0.0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return np.fft.irfft(spectrum, len(white)).astype(np.float32)


def _quantized(samples: Samples) -> Samples:
    """Round and clip in place: a scenario may be long."""
    samples *= _FULL_SCALE
    np.round(samples, out=samples)
    np.clip(samples, -_FULL_SCALE, _FULL_SCALE - 1, out=samples)
    samples /= _FULL_SCALE
    return samples
