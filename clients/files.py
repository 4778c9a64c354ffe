"""Recordings as audio to send: files of any common format, and raw PCM from a pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from clients.audio import Audio, AudioFormat, Encoding
from clients.errors import AudioFileError

LOWEST_RATE: Final = 8_000
HIGHEST_RATE: Final = 48_000
"""The daemon takes nothing above; files that have more are resampled to it."""
MAX_CHANNELS: Final = 2
_NOT_RECORDINGS: Final = frozenset({"MPEG_LAYER_I", "MPEG_LAYER_II"})
"""What libsndfile takes raw samples and other data for."""
_CHUNKS_PER_SECOND: Final = 10

Samples = NDArray[np.float32]


def open_audio(path: Path, rate: int | None = None) -> Audio:
    """Prepare to send a recording: wav, flac, ogg (vorbis, opus), mp3 and whatever else libsndfile reads.

    It goes out as float32, decoded in blocks as it is sent, at its own rate up to 48 kHz, in stereo as stereo; more channels
    are averaged. With a `rate`, it goes out at that rate in mono, like every other with the same. Raises `AudioFileError` if it
    cannot be read, here or while it is sent.
    """
    info = _info(path)
    if rate is None:
        channels = info.channels if info.channels <= MAX_CHANNELS else 1
        audio_format = AudioFormat(Encoding.FLOAT32, min(info.samplerate, HIGHEST_RATE), channels)
    else:
        audio_format = AudioFormat(Encoding.FLOAT32, rate)
    return Audio(audio_format, _encoded(path, audio_format))


def open_raw(file: FileIO, rate: int, channels: int) -> Audio:
    """Prepare to send signed 16-bit little-endian PCM from an unbuffered file or pipe, as it arrives.

    Raises `AudioFileError` if it cannot be read, while it is sent.
    """
    audio_format = AudioFormat(Encoding.LINEAR16, rate, channels)
    size = audio_format.bytes_per_second // _CHUNKS_PER_SECOND
    return Audio(audio_format, _read(file, size))


def duration(path: Path) -> float:
    """Return the length of a recording in seconds. Raises `AudioFileError` if it cannot be read."""
    return float(_info(path).duration)


def _read(file: FileIO, size: int) -> Iterator[bytes]:
    try:
        while data := file.read(size):
            yield data
    except OSError as error:
        raise AudioFileError(f"the raw audio cannot be read: {error.strerror}") from error


def _info(path: Path) -> soundfile._SoundFileInfo:
    try:
        info = soundfile.info(os.fsencode(path))
    # The last is for a file called .raw.
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise _unreadable(path) from error
    if info.subtype in _NOT_RECORDINGS:
        raise _unreadable(path)
    return info


def _encoded(path: Path, audio_format: AudioFormat) -> Iterator[bytes]:
    for samples in _resampled(path, audio_format):
        yield samples.astype("<f4", copy=False).tobytes()


def _resampled(path: Path, audio_format: AudioFormat) -> Iterator[Samples]:
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            blocks = file.blocks(file.samplerate // _CHUNKS_PER_SECOND, dtype="float32", always_2d=True)
            channels = (_as_channels(block, audio_format.channels) for block in blocks)
            yield from channels if file.samplerate == audio_format.rate else _at_rate(channels, file.samplerate, audio_format)
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(path) from error


def _as_channels(block: Samples, channels: int) -> Samples:
    """Average the columns unless there are as many as wanted."""
    return block if block.shape[1] == channels else block.mean(axis=1, keepdims=True, dtype=np.float32)


def _at_rate(blocks: Iterator[Samples], rate: int, audio_format: AudioFormat) -> Iterator[Samples]:
    resampler = soxr.ResampleStream(rate, audio_format.rate, audio_format.channels, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.empty((0, audio_format.channels), dtype=np.float32), last=True)


def _unreadable(path: Path) -> AudioFileError:
    if not path.exists():
        return AudioFileError(f"{path} does not exist", metadata={"path": str(path)})
    return AudioFileError(f"{path} cannot be read as audio; use a wav, flac, ogg, opus or mp3 file", metadata={"path": str(path)})
