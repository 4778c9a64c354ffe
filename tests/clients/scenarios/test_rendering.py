from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from clients.audio import AudioFormat, Encoding
from clients.scenarios import Rendered, load_scenario, render, write_wav
from tests.clients.scenarios.conftest import EXAMPLES, Write


def rendered(path: Path) -> Rendered:
    return render(load_scenario(path))


def level(samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def test_a_recording_is_heard_sample_for_sample(write: Write) -> None:
    stream = rendered(write("audio: [{silence: 0.5}, {file: ramp.wav, from: 0.25, to: 0.75}, {silence: 0.5}]"))
    ramp = np.arange(16_000)
    assert np.array_equal(stream.pcm, np.concatenate([np.zeros(8000), ramp[4000:12_000], np.zeros(8000)]))


def test_gain_overlap_and_repetition_add_up(write: Write) -> None:
    stream = rendered(write("audio: [{file: ramp.wav, repeat: 2, pause: 0.5}, {file: ramp.wav, at: 0.5, gain_db: -6.0206}]"))
    ramp = np.arange(16_000)
    expected = np.concatenate([ramp, np.zeros(8000), ramp])
    expected[8000:24_000] += ramp / 2
    assert np.abs(stream.pcm - expected).max() <= 1


def test_what_is_too_loud_is_clipped(write: Write) -> None:
    stream = rendered(write("audio: [{file: ramp.wav, gain_db: 20}]"))
    assert stream.pcm.max() == 2**15 - 1
    assert np.array_equal(stream.pcm[:3000], np.arange(3000) * 10)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_recordings_are_brought_to_the_rate_of_the_scenario(write: Write, tmp_path: Path, rate: int) -> None:
    time = np.arange(24_000) / 24_000
    stereo = np.stack([np.sin(2 * np.pi * 440 * time), np.zeros(24_000)], axis=1)
    soundfile.write(tmp_path / "tone.flac", stereo, 24_000)
    stream = rendered(write(f"rate: {rate}\naudio: [{{file: tone.flac}}]"))
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    assert stream.samples.shape == (rate,)
    assert np.abs(stream.samples - expected)[200:-200].max() < 1e-3


@pytest.mark.parametrize("color", ["white", "pink"])
def test_noise_has_its_level(write: Write, color: str) -> None:
    stream = rendered(write(f"audio: [{{noise: 2, level_dbfs: -30, color: {color}}}]"))
    assert level(stream.samples) == pytest.approx(-30, abs=0.05)


def test_pink_noise_falls_by_3_db_per_octave(write: Write) -> None:
    spectrum = np.abs(np.fft.rfft(rendered(write("audio: [{noise: 4, level_dbfs: -20, color: pink}]")).samples)) ** 2
    low, high = spectrum[4 * 200 : 4 * 400].mean(), spectrum[4 * 3200 : 4 * 6400].mean()
    assert 10 * np.log10(low / high) == pytest.approx(12, abs=1)


def test_the_background_is_under_everything(write: Write) -> None:
    stream = rendered(write("background: {level_dbfs: -40}\naudio: [{silence: 1}]"))
    assert level(stream.samples) == pytest.approx(-40, abs=0.05)


def test_the_same_file_gives_the_same_samples() -> None:
    kitchen = EXAMPLES / "kitchen.yaml"
    assert np.array_equal(rendered(kitchen).samples, rendered(kitchen).samples)


def test_each_noise_is_another_and_the_seed_changes_them(write: Write) -> None:
    text = "seed: {}\nbackground: {{level_dbfs: -30}}\naudio: [{{noise: 1}}, {{noise: 1}}]"
    one, two = (rendered(write(text.format(seed))).samples for seed in (1, 2))
    assert not np.array_equal(one, two)
    assert not np.array_equal(one[:16_000], one[16_000:])


def test_the_audio_to_send_is_the_stream(write: Write) -> None:
    stream = rendered(write("audio: [{file: ramp.wav}, {silence: 0.05}]"))
    audio = stream.audio()
    chunks = list(audio.chunks)
    assert audio.format == AudioFormat(Encoding.LINEAR16, 16_000)
    assert [len(chunk) for chunk in chunks] == [3200] * 10 + [1600]
    assert b"".join(chunks) == stream.pcm.astype("<i2").tobytes()


def test_the_wav_is_the_stream(write: Write, tmp_path: Path) -> None:
    stream = rendered(write("rate: 22050\naudio: [{noise: 0.5, level_dbfs: -3}]"))
    write_wav(stream, tmp_path / "out")
    samples, rate = soundfile.read(tmp_path / "out", dtype="float32")
    assert rate == 22_050
    assert np.array_equal(samples, stream.samples)
    assert soundfile.info(tmp_path / "out").format == "WAV"
