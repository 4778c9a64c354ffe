"""Audio bytes as clients send them, cut anywhere, to the waveform that sessions hear."""

from __future__ import annotations

from enum import Enum
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from daemon.errors import AudioOutOfRangeError, IncompleteSampleError, InvalidAudioConfigError, NotFiniteAudioError
from models.features import MAX_LEVEL, SAMPLE_RATE, Waveform

MIN_RATE: Final = 8_000
MAX_RATE: Final = 48_000
MAX_CHANNELS: Final = 2


class Encoding(Enum):
    """How a sample is written; the names are those of the API."""

    LINEAR16 = "LINEAR16"
    FLOAT32 = "FLOAT32"
    MULAW = "MULAW"
    ALAW = "ALAW"


class AudioDecoder:
    """Decode one stream to mono at 16 kHz, in [-1, 1], as its bytes arrive.

    The samples depend only on the bytes, never on how they were cut into messages. Raises `InvalidAudioConfigError` for a rate
    outside 8 to 48 kHz, or for more than two channels.
    """

    def __init__(self, encoding: Encoding, rate: int, channels: int) -> None:
        if not MIN_RATE <= rate <= MAX_RATE:
            raise InvalidAudioConfigError(f"a sample rate of {rate} Hz is not supported: send {MIN_RATE} to {MAX_RATE} Hz")
        if not 1 <= channels <= MAX_CHANNELS:
            raise InvalidAudioConfigError(f"{channels} channels are not supported: send one or two")
        self._encoding = encoding
        self._channels = channels
        self._frame_bytes = _DTYPES[encoding].itemsize * channels
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        self._rest = b""

    def push(self, data: bytes) -> Waveform:
        """Take bytes; return the samples they complete, shape (n,), n >= 0.

        Raises `NotFiniteAudioError` for NaN or infinity, `AudioOutOfRangeError` for floats that are not within full scale.
        """
        data = self._rest + data
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = data[whole:]
        return self._resample(self._decode(data[:whole]), last=False)

    def finish(self) -> Waveform:
        """Return the samples that are still in the resampler. Raises `IncompleteSampleError` if the last sample lacks bytes."""
        if self._rest:
            raise IncompleteSampleError(
                f"the audio ends after {len(self._rest)} of the {self._frame_bytes} bytes of a sample: "
                f"check that it is {self._encoding.value} with {self._channels} channel(s)"
            )
        return self._resample(np.zeros(0, dtype=np.float32), last=True)

    def _decode(self, data: bytes) -> Waveform:
        samples = self._values(np.frombuffer(data, dtype=_DTYPES[self._encoding]))
        return samples if self._channels == 1 else samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)

    def _values(self, raw: NDArray[np.generic]) -> Waveform:
        match self._encoding:
            case Encoding.LINEAR16:
                return raw.astype(np.float32) / np.float32(32_768)
            case Encoding.FLOAT32:
                return _checked(raw.astype(np.float32))
            case Encoding.MULAW:
                return _MULAW[raw.astype(np.intp)]
            case Encoding.ALAW:
                return _ALAW[raw.astype(np.intp)]

    def _resample(self, samples: Waveform, *, last: bool) -> Waveform:
        if self._resampler is None:
            return samples
        return np.asarray(self._resampler.resample_chunk(samples, last=last), dtype=np.float32)


def _checked(samples: Waveform) -> Waveform:
    if not np.isfinite(samples).all():
        raise NotFiniteAudioError("the audio holds samples that are NaN or infinite: send finite numbers from -1 to 1")
    if (np.abs(samples) > MAX_LEVEL).any():
        raise AudioOutOfRangeError("FLOAT32 samples go from -1 to 1: divide 16-bit samples by 32768, or send them as LINEAR16")
    return samples


def _mulaw_table() -> Waveform:
    """Values of the 256 mu-law codes (ITU-T G.711, all bits inverted: sign, exponent, mantissa)."""
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << (code >> 4 & 7)) - 0x84
    return _scaled(np.where(code & 0x80, -magnitude, magnitude))


def _alaw_table() -> Waveform:
    """Values of the 256 A-law codes (ITU-T G.711, even bits inverted: sign, exponent, mantissa)."""
    code = np.arange(256) ^ 0x55
    exponent, step = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, step + 0x08, (step + 0x108) << np.maximum(exponent - 1, 0))
    return _scaled(np.where(code & 0x80, magnitude, -magnitude))


def _scaled(values: NDArray[np.int64]) -> Waveform:
    return values.astype(np.float32) / np.float32(32_768)


_DTYPES: Final[dict[Encoding, np.dtype[np.generic]]] = {
    Encoding.LINEAR16: np.dtype("<i2"),
    Encoding.FLOAT32: np.dtype("<f4"),
    Encoding.MULAW: np.dtype(np.uint8),
    Encoding.ALAW: np.dtype(np.uint8),
}
_MULAW: Final = _mulaw_table()
_ALAW: Final = _alaw_table()
