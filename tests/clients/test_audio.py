from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.audio import Audio, AudioFormat, Encoding, paced


class FakeTime:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, duration: float) -> None:
        self.slept.append(duration)
        self.now += duration


@pytest.mark.parametrize(
    ("audio_format", "expected"),
    [
        (AudioFormat(Encoding.LINEAR16, 16_000), 32_000),
        (AudioFormat(Encoding.FLOAT32, 48_000, 2), 384_000),
        (AudioFormat(Encoding.MULAW, 8_000), 8_000),
        (AudioFormat(Encoding.ALAW, 8_000), 8_000),
    ],
)
def test_bytes_per_second(audio_format: AudioFormat, expected: int) -> None:
    assert audio_format.bytes_per_second == expected


def test_paced_audio_comes_when_it_was_spoken() -> None:
    time = FakeTime()
    audio = Audio(AudioFormat(Encoding.LINEAR16, 8_000), [b"\0" * 1_600, b"\0" * 1_600, b"\0" * 800])

    arrivals = [time.now for _ in paced(audio, clock=lambda: time.now, sleep=time.sleep).chunks]

    assert arrivals == pytest.approx([100.1, 100.2, 100.25])


def test_pace_makes_up_for_a_slow_source() -> None:
    time = FakeTime()

    def source() -> Iterator[bytes]:
        yield b"\0" * 1_600
        time.now += 0.5
        yield b"\0" * 1_600
        yield b"\0" * 8_000

    audio = paced(Audio(AudioFormat(Encoding.LINEAR16, 8_000), source()), clock=lambda: time.now, sleep=time.sleep)

    assert len(b"".join(audio.chunks)) == 11_200
    assert time.slept == pytest.approx([0.1, 0.1])
