from __future__ import annotations

import numpy as np
import pytest

from daemon.config import VadConfig
from daemon.hearing.detectors import HOP, VoiceDetector, WebRtcDetector, voice_detector
from daemon.hearing.silero import SileroDetector
from daemon.hearing.vad import pcm16
from models.features import Waveform
from tests import audio


def voices(detector: VoiceDetector, samples: Waveform) -> list[float]:
    """Return what the detector says of each whole hop."""
    return [detector.voice(pcm16(hop)) for hop in samples[: len(samples) // HOP * HOP].reshape(-1, HOP)]


def voiced_hops(samples: Waveform, aggressiveness: int = 2) -> int:
    return int(sum(voices(WebRtcDetector(aggressiveness), samples)))


def test_the_configuration_chooses_the_detector() -> None:
    assert isinstance(voice_detector(VadConfig(kind="webrtc")), WebRtcDetector)
    assert isinstance(voice_detector(VadConfig(kind="silero")), SileroDetector)


def test_webrtc_is_as_aggressive_as_configured() -> None:
    faint = audio.voice(1, 2.0, level=-50.0)
    heard = [sum(voices(voice_detector(VadConfig(kind="webrtc", aggressiveness=level)), faint)) for level in range(4)]
    assert heard == [voiced_hops(faint, level) for level in range(4)]
    assert heard == sorted(heard, reverse=True)
    assert heard[0] > heard[3]


@pytest.mark.parametrize("seed", range(4))
def test_webrtc_takes_synthetic_voices_for_speech(seed: int) -> None:
    assert voiced_hops(audio.voice(seed, 1.0)) > 90


@pytest.mark.parametrize("aggressiveness", range(4))
def test_webrtc_does_not_take_quiet_noise_for_speech(aggressiveness: int) -> None:
    assert voiced_hops(audio.noise(1.0, level=-60.0), aggressiveness) < 12


def test_webrtc_tells_no_probabilities() -> None:
    assert set(voices(WebRtcDetector(2), audio.join(audio.voice(0, 1.0), audio.noise(1.0)))) == {0.0, 1.0}


@pytest.mark.parametrize("kind", ["webrtc", "silero"])
def test_a_detector_that_was_reset_is_a_new_one(kind: str) -> None:
    config = VadConfig.model_validate({"kind": kind})
    detector, first, second = voice_detector(config), audio.voice(0, 1.005), audio.voice(1, 1.0)
    voices(detector, first)
    detector.reset()
    assert voices(detector, second) == voices(voice_detector(config), second)


@pytest.mark.parametrize("kind", ["webrtc", "silero"])
def test_streams_do_not_disturb_each_other(kind: str) -> None:
    config = VadConfig.model_validate({"kind": kind})
    speech, noise = audio.voice(2, 1.0), audio.noise(1.0, level=-20.0)
    one, other = voice_detector(config), voice_detector(config)
    told = []
    for place in range(0, len(speech), HOP):
        told.append(one.voice(pcm16(speech[place : place + HOP])))
        other.voice(pcm16(noise[place : place + HOP]))
    assert told == voices(voice_detector(config), speech)


def test_what_is_judged_is_left_as_it_is() -> None:
    hop = pcm16(audio.voice(0, 0.01))
    for kind in ("webrtc", "silero"):
        before = hop.copy()
        voice_detector(VadConfig.model_validate({"kind": kind})).voice(hop)
        np.testing.assert_array_equal(hop, before)
