from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from clients.audio import Audio, AudioFormat, Encoding
from clients.errors import AudioFileError
from clients.files import duration, open_audio, open_raw
from tests.audio import voice

STEREO = np.stack([voice(1, 1.25), voice(2, 1.25)], axis=1)


def write(path: Path, samples: NDArray[np.float32], rate: int = 16_000, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def samples_of(audio: Audio) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(audio.chunks), dtype="<f4").reshape(-1, audio.format.channels)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "FLOAT"),
        ("a.wav", "ULAW"),
        ("a.flac", "PCM_16"),
        ("a.ogg", "VORBIS"),
        ("a.opus", "OPUS"),
        ("a.mp3", "MPEG_LAYER_III"),
    ],
)
def test_any_common_format_is_sent_as_it_decodes(tmp_path: Path, name: str, subtype: str) -> None:
    path = tmp_path / name
    with soundfile.SoundFile(path, "w", 16_000, 2, subtype, format="OGG" if name == "a.opus" else None) as file:
        file.write(STEREO)
    whole, rate = soundfile.read(path, dtype="float32", always_2d=True)

    audio = open_audio(path)

    assert audio.format == AudioFormat(Encoding.FLOAT32, rate, 2)
    # What an mp3 decodes to depends on the blocks that it is read in, in the last bit.
    np.testing.assert_allclose(samples_of(audio), whole, rtol=0, atol=1e-7 if name == "a.mp3" else 0)


def test_files_can_be_sent_alike(tmp_path: Path) -> None:
    stereo = open_audio(write(tmp_path / "a.wav", STEREO), 16_000)
    low = open_audio(write(tmp_path / "b.wav", STEREO[:, 0], 8_000), 16_000)

    assert stereo.format == low.format == AudioFormat(Encoding.FLOAT32, 16_000)
    np.testing.assert_allclose(samples_of(stereo)[:, 0], STEREO.mean(axis=1), atol=1e-4)
    assert len(samples_of(low)) == 2 * len(STEREO)


def test_a_file_is_read_in_blocks(tmp_path: Path) -> None:
    audio = open_audio(write(tmp_path / "a.wav", STEREO))

    assert {len(chunk) for chunk in audio.chunks} == {1_600 * 2 * 4, 800 * 2 * 4}


def test_more_than_two_channels_are_averaged(tmp_path: Path) -> None:
    many = np.stack([voice(1, 0.5), voice(2, 0.5), voice(3, 0.5)], axis=1)

    audio = open_audio(write(tmp_path / "a.wav", many, subtype="FLOAT"))

    assert audio.format.channels == 1
    np.testing.assert_allclose(samples_of(audio)[:, 0], many.mean(axis=1), atol=1e-7)


def test_a_rate_above_the_daemons_is_resampled(tmp_path: Path) -> None:
    time = np.arange(96_000) / 96_000
    tone = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)

    audio = open_audio(write(tmp_path / "a.wav", tone, rate=96_000, subtype="FLOAT"))
    resampled = samples_of(audio)[:, 0]

    assert audio.format == AudioFormat(Encoding.FLOAT32, 48_000)
    assert len(resampled) == 48_000
    np.testing.assert_allclose(resampled[1_000:-1_000], tone[::2][1_000:-1_000], atol=1e-3)


def test_a_rate_below_the_daemons_is_left_for_it_to_refuse(tmp_path: Path) -> None:
    assert open_audio(write(tmp_path / "a.wav", voice(1, 0.5), rate=4_000)).format.rate == 4_000


def test_duration(tmp_path: Path) -> None:
    assert duration(write(tmp_path / "a.flac", STEREO)) == 1.25


def test_what_is_not_audio_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("not audio")

    with pytest.raises(AudioFileError, match=r"a\.wav cannot be read as audio; use a wav, flac, ogg, opus or mp3 file"):
        open_audio(path)


def test_raw_samples_are_not_taken_for_an_mp3(tmp_path: Path) -> None:
    path = tmp_path / "a.pcm"
    # Frames of MPEG layer I by chance: their header begins with the sample -1.
    path.write_bytes((bytes.fromhex("ffff 5000") + bytes(168)) * 20)
    assert soundfile.info(path).subtype == "MPEG_LAYER_I"

    with pytest.raises(AudioFileError, match="cannot be read as audio"):
        open_audio(path)


def test_a_file_called_raw_says_nothing_of_its_format(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(32_000))

    with pytest.raises(AudioFileError, match="cannot be read as audio"):
        open_audio(path)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", STEREO).rename(tmp_path / "\udcff.wav")

    assert len(samples_of(open_audio(path))) == len(STEREO)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="does not exist") as caught:
        duration(tmp_path / "nobody.wav")

    assert caught.value.metadata == {"path": str(tmp_path / "nobody.wav")}


def test_a_file_that_vanishes_before_it_is_sent_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", STEREO)
    audio = open_audio(path)
    path.unlink()

    with pytest.raises(AudioFileError, match="does not exist"):
        list(audio.chunks)


def test_raw_audio_is_sent_as_it_comes() -> None:
    source, sink = os.pipe()
    pcm = bytes(range(250)) * 40
    os.write(sink, pcm[:4_000])

    with FileIO(source) as file:
        audio = open_raw(file, 16_000, 2)
        chunks = iter(audio.chunks)
        first = next(chunks)
        os.write(sink, pcm[4_000:])
        os.close(sink)
        rest = b"".join(chunks)

    assert audio.format == AudioFormat(Encoding.LINEAR16, 16_000, 2)
    assert first == pcm[:4_000]
    assert first + rest == pcm


def test_raw_audio_that_cannot_be_read_is_an_error_of_the_audio(tmp_path: Path) -> None:
    with FileIO(tmp_path / "a.raw", "wb+") as file:
        audio = open_raw(file, 16_000, 1)
        os.close(file.fileno())
        with pytest.raises(AudioFileError, match="the raw audio cannot be read: Bad file descriptor"):
            list(audio.chunks)
        os.open(os.devnull, os.O_RDONLY)
