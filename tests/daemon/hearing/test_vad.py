from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from daemon.config import VadConfig
from daemon.hearing.vad import HOP, Passage, SpeechGate, pcm16, speech_gate
from models.features import Waveform
from tests import audio

QUIET = np.full(HOP, 0.01, dtype=np.float32)
LOUD = np.full(HOP, 0.5, dtype=np.float32)


class LoudnessDetector:
    """Takes for the likelihood of a voice how loud it is; counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def voice(self, hop: NDArray[np.int16]) -> float:
        self.asked += 1
        return abs(int(hop[0])) / 32768

    def reset(self) -> None:
        self.asked = 0


def gate(detector: LoudnessDetector | None = None, threshold: float = 0.25) -> SpeechGate:
    return SpeechGate(detector or LoudnessDetector(), threshold=threshold, start=3, pre_roll=5, hang_over=4)


def push(target: SpeechGate, pattern: str) -> list[Passage]:
    """Push one hop per character: x is loud, any other quiet."""
    return [target.push(LOUD if character == "x" else QUIET) for character in pattern]


def starts(passages: Iterable[Passage]) -> list[int]:
    return [passage.started // HOP for passage in passages if passage.started is not None]


def ends(passages: Iterable[Passage]) -> list[int]:
    return [passage.ended // HOP for passage in passages if passage.ended is not None]


def test_stays_closed_on_fewer_voiced_hops_than_it_takes() -> None:
    passages = push(gate(), "......xx.........x.......")
    assert not starts(passages)
    assert not any(passage.passed for passage in passages)


def test_opens_with_the_pre_roll_and_tells_where_speech_began() -> None:
    passages = push(gate(), "..........xxx")
    assert starts(passages) == [10]
    assert [hop.start // HOP for hop in passages[-1].passed] == list(range(5, 13))
    assert [hop.voiced for hop in passages[-1].passed] == [False] * 5 + [True] * 3


def test_a_single_unvoiced_hop_does_not_start_the_count_anew() -> None:
    assert starts(push(gate(), "....xx.xx")) == [4]


def test_speech_at_the_very_beginning_has_no_pre_roll() -> None:
    passages = push(gate(), "xxx")
    assert starts(passages) == [0]
    assert [hop.start for hop in passages[-1].passed] == [0, HOP, 2 * HOP]


def test_start_is_never_before_what_it_passes_on() -> None:
    passages = push(gate(), "x" + "x." * 20 + "xx")
    opening = next(passage for passage in passages if passage.started is not None)
    assert opening.started is not None
    assert opening.started >= opening.passed[0].start


def test_closes_after_the_hang_over_and_tells_where_speech_ended() -> None:
    passages = push(gate(), "xxxxx......")
    assert ends(passages) == [5]
    assert [bool(passage.passed) for passage in passages] == [False, False, True, True, True, True, True, True, True, False, False]


def test_pause_within_the_hang_over_does_not_close() -> None:
    assert not ends(push(gate(), "xxx...xxx...xx...x"))


def test_segments_never_share_audio() -> None:
    passages = push(gate(), "xxxxx....xxx....xxx")
    passed = [hop.start for passage in passages for hop in passage.passed]
    assert starts(passages) == [0, 9, 16]
    assert passed == sorted(set(passed))


def test_end_of_stream_closes_an_open_gate_only() -> None:
    speaking, silent = gate(), gate()
    push(speaking, "..xxxx..")
    push(silent, "........")
    assert speaking.finish() == 6 * HOP
    assert speaking.finish() is None
    assert silent.finish() is None


@pytest.mark.parametrize("faint", [np.zeros(HOP, dtype=np.float32), np.full(HOP, 1e-4, dtype=np.float32)])
def test_digital_silence_and_faint_audio_are_never_speech_but_heard(faint: Waveform) -> None:
    class Always(LoudnessDetector):
        def voice(self, hop: NDArray[np.int16]) -> float:
            super().voice(hop)
            return 1.0

    detector = Always()
    target = gate(detector)
    assert not any(target.push(faint).hop.voiced for _ in range(50))
    assert detector.asked == 50


def test_voiced_is_what_reaches_the_threshold() -> None:
    assert [gate(threshold=threshold).push(LOUD).hop.voiced for threshold in (0.49, 0.5, 0.51)] == [True, True, False]


def test_hop_knows_its_place_and_power() -> None:
    hop = push(gate(), "..x")[2].hop
    assert (hop.start, hop.end, hop.voiced) == (2 * HOP, 3 * HOP, True)
    assert hop.power == pytest.approx(0.25)
    assert hop.voice == pytest.approx(0.5)


def test_pcm16_rounds_and_clips() -> None:
    samples = np.array([0.0, 1.4 / 32768, -1.6 / 32768, 1.0, -1.0, 1.7, -1.7], dtype=np.float32)
    assert pcm16(samples).tolist() == [0, 1, -2, 32767, -32768, 32767, -32768]


def test_what_follows_the_end_of_a_stream_is_another_one() -> None:
    target = gate()
    push(target, "......xxxx")
    target.finish()
    passages = push(target, "..xxx")
    assert starts(passages) == [12]
    assert [hop.start // HOP for hop in passages[-1].passed] == [10, 11, 12, 13, 14]


def test_the_detector_forgets_at_the_end_of_a_stream() -> None:
    detector = LoudnessDetector()
    target = gate(detector)
    push(target, "xxxx")
    target.finish()
    push(target, "..")
    assert detector.asked == 2


@pytest.mark.parametrize("kind", ["webrtc", "silero"])
def test_the_configured_gate_hears_a_voice_and_no_hiss(kind: str) -> None:
    heard = speech_gate(VadConfig.model_validate({"kind": kind}))
    samples = audio.join(audio.noise(2.0, level=-60.0), audio.voice(3, 2.0))
    passages = [heard.push(samples[start : start + HOP]) for start in range(0, len(samples), HOP)]
    [started] = [passage.started for passage in passages if passage.started is not None]
    assert 2.0 <= started / 16_000 < 2.2


def test_the_configured_threshold_counts() -> None:
    def voiced(threshold: float) -> int:
        heard = speech_gate(VadConfig(kind="silero", threshold=threshold))
        samples = audio.voice(1, 3.0)
        return sum(heard.push(samples[start : start + HOP]).hop.voiced for start in range(0, len(samples), HOP))

    assert voiced(0.1) > voiced(0.5) > voiced(0.9)
