from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from daemon.errors import AudioOutOfRangeError, IncompleteSampleError, InvalidAudioConfigError, NotFiniteAudioError
from daemon.hearing.audio import AudioDecoder, Encoding
from models.features import SAMPLE_RATE, Waveform
from tests.audio import voice

FORMATS = st.tuples(st.sampled_from(list(Encoding)), st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]), st.sampled_from([1, 2]))
SUBTYPES = {Encoding.LINEAR16: "PCM_16", Encoding.FLOAT32: "FLOAT", Encoding.MULAW: "ULAW", Encoding.ALAW: "ALAW"}


def decode(decoder: AudioDecoder, pieces: Iterable[bytes]) -> Waveform:
    return np.concatenate([*[decoder.push(piece) for piece in pieces], decoder.finish()])


def encoded(samples: NDArray[np.float32], encoding: Encoding, rate: int) -> bytes:
    """Let libsndfile write the samples, shape (n,) or (n, 2), without a header."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="RAW", subtype=SUBTYPES[encoding], endian="LITTLE")
    return file.getvalue()


@given(st.data(), FORMATS, st.integers(0, 30))
def test_any_cut_gives_the_same_samples(data: st.DataObject, audio_format: tuple[Encoding, int, int], hundredths: int) -> None:
    encoding, rate, channels = audio_format
    take = np.stack([voice(seed, 0.6)[: hundredths * rate // 100] for seed in range(channels)], axis=1)
    content = encoded(take, encoding, rate)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=20)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    whole, cut = decode(AudioDecoder(*audio_format), [content]), decode(AudioDecoder(*audio_format), pieces)
    assert whole.dtype == cut.dtype == np.float32
    np.testing.assert_array_equal(cut, whole)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_single_bytes_give_the_same_samples(rate: int) -> None:
    content = encoded(voice(1, 0.3), Encoding.LINEAR16, rate)
    single = decode(AudioDecoder(Encoding.LINEAR16, rate, 1), [bytes([byte]) for byte in content])
    np.testing.assert_array_equal(single, decode(AudioDecoder(Encoding.LINEAR16, rate, 1), [content]))


@pytest.mark.parametrize("encoding", [Encoding.MULAW, Encoding.ALAW])
def test_all_codes_of_g711_are_those_of_libsndfile(encoding: Encoding) -> None:
    codes = bytes(range(256))
    expected, _ = soundfile.read(
        io.BytesIO(codes), dtype="float32", samplerate=SAMPLE_RATE, channels=1, format="RAW", subtype=SUBTYPES[encoding]
    )
    np.testing.assert_array_equal(decode(AudioDecoder(encoding, SAMPLE_RATE, 1), [codes]), expected)


def test_linear16_spans_full_scale() -> None:
    content = np.array([-32_768, 0, 16_384, 32_767], dtype="<i2").tobytes()
    samples = decode(AudioDecoder(Encoding.LINEAR16, SAMPLE_RATE, 1), [content])
    np.testing.assert_array_equal(samples, np.array([-1.0, 0.0, 0.5, 32_767 / 32_768], dtype=np.float32))


def test_two_channels_are_averaged() -> None:
    content = np.array([0.5, 0.25, -1.0, 1.0], dtype="<f4").tobytes()
    samples = decode(AudioDecoder(Encoding.FLOAT32, SAMPLE_RATE, 2), [content])
    np.testing.assert_array_equal(samples, np.array([0.375, 0.0], dtype=np.float32))


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_resampling_equals_that_of_a_whole_recording(rate: int) -> None:
    recording = voice(2, 0.5)
    samples = decode(AudioDecoder(Encoding.FLOAT32, rate, 1), [recording.tobytes()])
    np.testing.assert_array_equal(samples, soxr.resample(recording, rate, SAMPLE_RATE))


@pytest.mark.parametrize("rate", [-1, 0, 4_000, 7_999, 48_001, 96_000])
def test_rates_out_of_range_are_refused(rate: int) -> None:
    with pytest.raises(InvalidAudioConfigError, match=f"{rate} Hz is not supported: send 8000 to 48000 Hz"):
        AudioDecoder(Encoding.LINEAR16, rate, 1)


@pytest.mark.parametrize("channels", [-1, 0, 3])
def test_channels_out_of_range_are_refused(channels: int) -> None:
    with pytest.raises(InvalidAudioConfigError, match="send one or two"):
        AudioDecoder(Encoding.LINEAR16, SAMPLE_RATE, channels)


@pytest.mark.parametrize(("encoding", "channels", "size"), [(Encoding.LINEAR16, 1, 3), (Encoding.FLOAT32, 2, 12), (Encoding.MULAW, 2, 5)])
def test_an_incomplete_last_sample_is_refused(encoding: Encoding, channels: int, size: int) -> None:
    decoder = AudioDecoder(encoding, SAMPLE_RATE, channels)
    decoder.push(bytes(size))
    with pytest.raises(IncompleteSampleError, match="check that it is"):
        decoder.finish()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(value: float) -> None:
    content = np.array([0.0, value, 0.0], dtype="<f4").tobytes()
    with pytest.raises(NotFiniteAudioError, match="NaN or infinite"):
        AudioDecoder(Encoding.FLOAT32, SAMPLE_RATE, 1).push(content)


def test_integers_sent_as_floats_are_refused() -> None:
    with pytest.raises(AudioOutOfRangeError, match="divide 16-bit samples by 32768"):
        AudioDecoder(Encoding.FLOAT32, SAMPLE_RATE, 1).push(np.array([12_000.0], dtype="<f4").tobytes())


def test_overshoot_of_a_lossy_decoder_is_kept() -> None:
    content = np.array([1.25, -1.5], dtype="<f4").tobytes()
    np.testing.assert_array_equal(decode(AudioDecoder(Encoding.FLOAT32, SAMPLE_RATE, 1), [content]), np.array([1.25, -1.5], np.float32))


@pytest.mark.parametrize("rate", [SAMPLE_RATE, 44_100])
def test_no_bytes_give_no_samples(rate: int) -> None:
    assert decode(AudioDecoder(Encoding.LINEAR16, rate, 1), [b"", b""]).size == 0
