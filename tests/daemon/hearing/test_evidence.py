from __future__ import annotations

import numpy as np
import pytest
import soxr

from daemon.events import Evidence
from daemon.hearing.evidence import EvidenceMeter
from daemon.hearing.vad import HOP, Hop
from models.features import SAMPLE_RATE, Waveform, log_mel
from tests import audio


def measure(background: Waveform, speech: Waveform) -> Evidence:
    """Return the evidence of `background` and then `speech`, which is known to be voiced throughout."""
    meter = EvidenceMeter()
    for voiced, samples in ((False, background), (True, speech)):
        for start in range(0, len(samples) - HOP + 1, HOP):
            hop = Hop(start, samples[start : start + HOP], float(np.mean(np.square(samples[start : start + HOP]))), voiced)
            meter.hear(hop.power)
            if voiced:
                meter.add_speech(hop)
    if len(speech):
        meter.add_frames(log_mel(speech))
    return meter.evidence()


def test_nothing_is_known_before_speech() -> None:
    assert measure(audio.noise(1.0), audio.silence(0.0)) == Evidence()


def test_voice_is_the_mean_likelihood_of_speech() -> None:
    meter = EvidenceMeter()
    for voice in (0.6, 0.9, 0.9):
        meter.add_speech(Hop(0, audio.voice(0, 0.01), 0.01, voiced=True, voice=voice))
        meter.hear(0.01)
    assert meter.evidence().voice == pytest.approx(0.8)


def test_speech_is_counted_in_samples() -> None:
    assert measure(audio.silence(1.0), audio.voice(0, 0.5)).speech == 8_000


@pytest.mark.parametrize("snr", [0.0, 5.0, 10.0, 20.0, 40.0])
def test_snr_is_speech_over_background(snr: float) -> None:
    speech = audio.voice(0, 2.0, level=-20.0) + audio.noise(2.0, level=-20.0 - snr)
    assert measure(audio.noise(1.0, level=-20.0 - snr, seed=1), speech).snr == pytest.approx(snr, abs=2.0)


def test_digital_silence_is_no_background() -> None:
    noisy = audio.voice(0, 2.0, level=-20.0) + audio.noise(2.0, level=-30.0)
    with_silence = measure(audio.silence(5.0), noisy)
    assert with_silence == measure(audio.silence(0.0), noisy)


def test_without_a_pause_the_quietest_speech_stands_for_the_background() -> None:
    evidence = measure(audio.silence(0.0), audio.voice(0, 2.0))
    assert 5.0 < evidence.snr < 25.0


def test_noise_that_passes_for_speech_has_no_snr() -> None:
    assert measure(audio.noise(1.0, level=-20.0), audio.noise(1.0, level=-20.0, seed=1)).snr < 0.0


def test_clipping_is_the_share_of_speech_at_full_scale() -> None:
    overdriven = np.clip(audio.voice(0, 2.0, level=0.0), -1.0, 1.0).astype(np.float32)
    share = float(np.mean(np.abs(overdriven) >= 0.97))
    assert share > 0.1
    assert measure(audio.silence(0.0), overdriven).clipped == pytest.approx(share)
    assert measure(overdriven, audio.voice(0, 2.0, level=-20.0)).clipped == 0.0


def test_clipping_of_g711_is_seen() -> None:
    assert measure(audio.silence(0.0), (audio.voice(0, 2.0, level=0.0)).clip(-0.98, 0.98)).clipped > 0.1


def test_bandwidth_tells_the_telephone_from_the_wide_band() -> None:
    wide = audio.voice(0, 2.0) + audio.noise(2.0, level=-50.0)
    narrow = soxr.resample(soxr.resample(wide, SAMPLE_RATE, 8000), 8000, SAMPLE_RATE).astype(np.float32)
    assert measure(audio.silence(0.0), wide).bandwidth > 7000.0
    assert 3400.0 < measure(audio.silence(0.0), narrow).bandwidth < 4200.0
