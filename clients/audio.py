"""Audio to send: its format and its bytes in pieces, and the pace of real time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum


class Encoding(Enum):
    """How samples are written; the value is the number of bytes of one."""

    LINEAR16 = ("LINEAR16", 2)
    """Signed 16-bit little-endian PCM."""
    FLOAT32 = ("FLOAT32", 4)
    """IEEE 754 32-bit little-endian samples in [-1, 1]."""
    MULAW = ("MULAW", 1)
    """ITU-T G.711 mu-law."""
    ALAW = ("ALAW", 1)
    """ITU-T G.711 A-law."""

    @property
    def width(self) -> int:
        """Bytes per sample."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How bytes are to be read. rate: in hertz, 8000 to 48000. channels: 1, or 2 interleaved, which the daemon averages."""

    encoding: Encoding
    rate: int
    channels: int = 1

    @property
    def bytes_per_second(self) -> int:
        """Bytes of one second of audio."""
        return self.encoding.width * self.channels * self.rate


@dataclass(frozen=True, slots=True)
class Audio:
    """One recording. chunks: its bytes in pieces of any size; a sample may be split between two."""

    format: AudioFormat
    chunks: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class AsyncAudio:
    """One recording whose bytes come asynchronously; otherwise as `Audio`."""

    format: AudioFormat
    chunks: AsyncIterable[bytes]


def paced(audio: Audio, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> Audio:
    """Return `audio` with each chunk held back until a microphone would have recorded it."""

    def chunks() -> Iterator[bytes]:
        start = clock()
        sent = 0
        for chunk in audio.chunks:
            sent += len(chunk)
            wait = start + sent / audio.format.bytes_per_second - clock()
            if wait > 0:
                sleep(wait)
            yield chunk

    return Audio(audio.format, chunks())
