from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from daemon.hearing.detectors import HOP
from daemon.hearing.silero import CONTEXT, WEIGHTS, WINDOW, Silero, SileroDetector, load_silero
from daemon.hearing.vad import pcm16
from models.audio import read_audio
from models.features import SAMPLE_RATE, Waveform
from models.weights import ModelFileError
from tests import audio

VOICES = sorted((Path(__file__).parents[3] / "clients" / "voices").glob("[0-9]-*/*.opus"))
SECONDS = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE


def voices(samples: Waveform) -> list[float]:
    """Return what a new detector says of each whole hop."""
    detector = SileroDetector(load_silero())
    return [detector.voice(pcm16(hop)) for hop in samples[: len(samples) // HOP * HOP].reshape(-1, HOP)]


def windows(samples: Waveform) -> list[float]:
    """Return the network's answers for all whole windows of a recording, each cut out of the whole."""
    exact = pcm16(samples).astype(np.float32) / np.float32(32768.0)
    padded = np.concatenate([np.zeros(CONTEXT, dtype=np.float32), exact])
    zero = np.zeros((1, 1, 128), dtype=np.float32)
    silero, memory, told = load_silero(), (zero, zero), []
    for start in range(0, len(exact) - WINDOW + 1, WINDOW):
        voice, memory = silero.step(padded[start : start + CONTEXT + WINDOW], memory)
        told.append(voice)
    return told


def tone(frequency: float) -> Waveform:
    return (0.2 * np.sin(2 * np.pi * frequency * SECONDS)).astype(np.float32)


def chord() -> Waveform:
    """Three notes of an organ, struck anew every half a second."""
    notes = sum(np.sin(2 * np.pi * base * part * SECONDS) / part for base in (220.0, 277.2, 329.6) for part in range(1, 7))
    return np.asarray(0.1 * notes * np.exp(-3.0 * (SECONDS % 0.5)), dtype=np.float32)


def test_the_network_is_the_one_that_is_documented() -> None:
    documented = (WEIGHTS.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() in documented
    assert f"{WEIGHTS.stat().st_size:,} bytes" in documented


@pytest.mark.parametrize("recording", VOICES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_takes_speech_for_a_voice(recording: Path) -> None:
    told = voices(read_audio(recording))
    assert np.mean(np.array(told) >= 0.5) > 0.85


@pytest.mark.parametrize(
    "make",
    [
        lambda: audio.silence(2.0),
        lambda: audio.noise(2.0, level=-50.0),
        lambda: audio.noise(2.0, level=-15.0),
        lambda: tone(150.0),
        lambda: tone(440.0),
        lambda: tone(1000.0),
        chord,
    ],
    ids=["silence", "quiet noise", "loud noise", "hum", "tone", "beep", "music"],
)
def test_takes_nothing_else_for_one(make: Callable[[], Waveform]) -> None:
    assert max(voices(make())) < 0.5


def test_a_hop_is_judged_as_the_newest_whole_window() -> None:
    speech = read_audio(VOICES[0])[: 3 * SAMPLE_RATE + 77]
    newest = [0.0, *windows(speech)]
    expected = [newest[end // WINDOW] for end in range(HOP, len(speech) + 1, HOP)]
    assert voices(speech) == expected


def test_what_follows_changes_nothing_before() -> None:
    speech = read_audio(VOICES[0])[: 2 * SAMPLE_RATE]
    assert voices(speech) == voices(audio.join(speech, audio.noise(1.0)))[: len(speech) // HOP]


def test_threads_share_one_network() -> None:
    assert load_silero() is load_silero()
    recordings = [read_audio(path)[:SAMPLE_RATE] for path in VOICES[:4]]
    alone = [voices(recording) for recording in recordings]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(voices, recordings)) == alone


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_bytes(WEIGHTS.read_bytes()[:1000])
    with pytest.raises(ModelFileError, match=r"cannot load .*damaged\.onnx"):
        Silero(tmp_path / "damaged.onnx")
