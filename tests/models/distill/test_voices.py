from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.audio import read_audio
from models.distill.voices import APART, FORMANTS, PITCH, Voice, made_up_voice
from models.features import SAMPLE_RATE, Waveform
from models.manifest import Recording, read_manifest

PITCH_HERTZ = 110.0
FORMANT_HERTZ = 1500.0


@pytest.fixture
def recording(data: Path) -> Recording:
    return read_manifest(data / "train.tsv", data)[0]


def _vowel() -> Waveform:
    """A second of harmonics of `PITCH_HERTZ` under one formant."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    harmonics = np.arange(1, 50) * PITCH_HERTZ
    levels = np.exp(-np.abs(harmonics - FORMANT_HERTZ) / 400.0)
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (len(harmonics), 1))
    samples = (levels[:, None] * np.cos(2 * np.pi * harmonics[:, None] * time + phases)).sum(axis=0)
    vowel: Waveform = (0.1 * samples).astype(np.float32)
    return vowel


def _heard(samples: Waveform) -> tuple[float, float]:
    """Spacing of the harmonics and mean frequency by power, in hertz."""
    inner = samples[len(samples) // 4 : -len(samples) // 4]
    spectrum = np.abs(np.fft.rfft(inner * np.hanning(len(inner)), 1 << 16)) ** 2
    hertz = np.fft.rfftfreq(1 << 16, 1 / SAMPLE_RATE)
    periods = np.fft.irfft(spectrum)
    slowest = int(SAMPLE_RATE / 80)
    period = 40 + int(np.argmax(periods[40:slowest]))
    return SAMPLE_RATE / period, float((hertz * spectrum).sum() / spectrum.sum())


def test_speed_moves_pitch_and_formants() -> None:
    pitch, formant = _heard(Voice(1.2).of(_vowel()))
    assert pitch == pytest.approx(1.2 * PITCH_HERTZ, rel=0.02)
    assert formant == pytest.approx(1.2 * FORMANT_HERTZ, rel=0.03)


@pytest.mark.parametrize("factor", [0.87, 1.15])
def test_formants_move_alone(factor: float) -> None:
    pitch, formant = _heard(Voice(1.0, factor).of(_vowel()))
    assert pitch == pytest.approx(PITCH_HERTZ, rel=0.02)
    assert formant == pytest.approx(factor * FORMANT_HERTZ, rel=0.05)


@pytest.mark.parametrize("samples", [1, 100, 16000])
def test_any_recording_can_be_said_by_another_voice(samples: int) -> None:
    played = Voice(0.9, 1.1).of(np.zeros(samples, dtype=np.float32))
    assert len(played) == pytest.approx(samples / 0.9, abs=1)
    assert not played.any()


def test_a_real_recording_stays_as_loud(recording: Recording) -> None:
    heard = read_audio(recording.path)
    played = made_up_voice(recording, 0).of(heard)
    assert 0.5 < np.sqrt(np.square(played).mean() / np.square(heard).mean()) < 2.0


def test_a_known_speaker_has_one_voice_of_each_number(recording: Recording) -> None:
    other = replace(recording, path=recording.path.with_name("another.wav"))
    assert made_up_voice(other, 1) == made_up_voice(recording, 1)
    assert made_up_voice(recording, 0) != made_up_voice(recording, 1)


def test_who_is_not_known_has_a_voice_for_each_recording(data: Path) -> None:
    unknown = [replace(each, speaker="c_unknown") for each in read_manifest(data / "train.tsv", data)[:3]]
    assert len({made_up_voice(each, 0) for each in unknown}) == 3


def test_voices_are_within_what_people_have(recording: Recording) -> None:
    voices = [made_up_voice(replace(recording, speaker=str(who)), 0) for who in range(300)]
    speeds = [voice.speed for voice in voices]
    assert PITCH[0] <= min(speeds) < 0.82
    assert 1.22 < max(speeds) <= PITCH[1]
    assert all(1 / APART - 1e-3 <= voice.formants <= APART + 1e-3 for voice in voices)
    assert all(FORMANTS[0] * 0.93 < voice.speed * voice.formants < FORMANTS[1] * 1.07 for voice in voices)
