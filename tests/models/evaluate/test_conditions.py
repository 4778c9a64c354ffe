from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.evaluate.conditions import (
    FRAME,
    VALUES,
    Condition,
    ConditionError,
    add_noise,
    conditions_of,
    draw_noise,
    first_seconds,
    random_of,
    reverberate,
    speech_frames,
    telephone,
)
from models.evaluate.rooms import LAYOUTS
from models.features import SAMPLE_RATE, Waveform
from tests.audio import join, noise, samples, silence, voice


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def tone(hertz: float, seconds: float = 1.0, height: float = 0.5) -> Waveform:
    return np.asarray(height * np.sin(2 * np.pi * hertz * np.arange(samples(seconds)) / SAMPLE_RATE), dtype=np.float32)


def power(waveform: Waveform) -> float:
    return float(np.mean(waveform.astype(np.float64) ** 2))


def decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


@pytest.fixture
def noises(tmp_path: Path) -> tuple[Path, ...]:
    """Three noises of 0.6 seconds, half of each digital silence."""
    paths = []
    for seed in range(3):
        paths.append(tmp_path / f"noise{seed}.wav")
        soundfile.write(paths[-1], join(silence(0.3), noise(0.3, -30.0, seed)), SAMPLE_RATE)
    return tuple(paths)


def test_speech_is_what_is_less_than_30_db_below_the_loudest() -> None:
    waveform = join(tone(500.0, 0.2), tone(500.0, 0.2, 0.5 * 10 ** (-29 / 20)), tone(500.0, 0.2, 0.5 * 10 ** (-31 / 20)), silence(0.2))
    assert speech_frames(waveform).tolist() == [True] * 20 + [False] * 20
    assert not speech_frames(silence(0.1)).any()
    assert speech_frames(silence(0.01)).size == 0


def test_seconds_are_those_of_speech() -> None:
    waveform = join(silence(0.5), tone(500.0, 1.0), silence(1.0), tone(500.0, 2.0), silence(0.5))
    for wanted, end in ((0.5, 1.0), (1.0, 1.5), (1.5, 3.0), (2.0, 3.5), (3.0, 4.5)):
        cut = first_seconds(waveform, wanted)
        np.testing.assert_array_equal(cut, waveform[: samples(end)])
        assert speech_frames(cut).sum() * FRAME == samples(wanted)


@pytest.mark.parametrize("seconds", [0.0, 0.005, 2.995, 3.0])
def test_a_recording_with_less_speech_stays_whole(seconds: float) -> None:
    waveform = join(tone(500.0, seconds), noise(0.5, -90.0))
    np.testing.assert_array_equal(first_seconds(waveform, 3.02), waveform)


@pytest.mark.parametrize("snr", VALUES["noise"])
def test_noise_is_as_far_below_the_speech_as_asked_for(snr: float) -> None:
    speech, hum = tone(500.0, 1.0, 0.1), noise(2.0, -10.0)
    waveform = join(silence(0.5), speech, silence(0.5))
    added = add_noise(waveform, hum, snr) - waveform
    assert decibels(power(speech) / power(added)) == pytest.approx(snr, abs=1e-3)


def test_pauses_do_not_make_noise_quieter() -> None:
    hum = noise(2.0, -10.0)
    half = add_noise(join(tone(500.0, 1.0, 0.1), silence(1.0)), hum, 5.0)
    whole = add_noise(tone(500.0, 2.0, 0.1), hum, 5.0)
    np.testing.assert_allclose(half[:SAMPLE_RATE], whole[:SAMPLE_RATE], atol=1e-6)


def test_loud_noise_makes_a_recording_quieter_instead_of_clipping_it() -> None:
    waveform, hum = tone(500.0, 1.0, 0.9), noise(1.0, -10.0)
    heard = add_noise(waveform, hum, 0.0)
    assert np.abs(heard).max() == pytest.approx(1.0)
    # What is left of the tone, by its projection, and the rest.
    share = float(heard @ waveform / (waveform @ waveform))
    assert 0.2 < share < 0.9
    assert decibels(power(share * waveform) / power(heard - share * waveform)) == pytest.approx(0.0, abs=0.1)


def test_silence_stays_silent_in_noise() -> None:
    assert not add_noise(silence(1.0), noise(1.0), 0.0).any()


def test_noise_is_looped_from_anywhere(noises: tuple[Path, ...]) -> None:
    content, _ = soundfile.read(noises[0], dtype="float32")
    stretch = draw_noise(noises[:1], 3 * len(content), generator())
    start = int(np.flatnonzero(content == stretch[0])[0])
    np.testing.assert_array_equal(stretch, np.tile(np.roll(content, -start), 3))
    assert start > 0


def test_padding_of_a_noise_is_not_taken_for_noise(noises: tuple[Path, ...]) -> None:
    random = generator()
    assert all(draw_noise(noises, 10, random)[0] != 0.0 for _ in range(50))


def test_noises_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    quiet, text = tmp_path / "quiet.wav", tmp_path / "notes.wav"
    soundfile.write(quiet, silence(0.1), SAMPLE_RATE)
    text.write_text("not audio")
    with pytest.raises(ConditionError, match=r"quiet\.wav is silent"):
        draw_noise([quiet], 10, generator())
    with pytest.raises(ConditionError, match=r"notes\.wav cannot be read"):
        draw_noise([text], 10, generator())


def test_an_echo_by_hand() -> None:
    waveform = tone(440.0, 0.1, 0.3)
    heard = reverberate(waveform, np.array([1.0, 0.0, 0.0, -0.5], dtype=np.float32))
    expected = waveform - 0.5 * np.concatenate([np.zeros(3, dtype=np.float32), waveform[:-3]])
    np.testing.assert_allclose(heard, expected, atol=1e-6)


@pytest.mark.parametrize("hertz", [400.0, 1000.0, 3000.0, 3300.0])
def test_a_telephone_passes_its_band(hertz: float) -> None:
    heard = telephone(tone(hertz))
    inside = slice(1000, -1000)
    # What mu-law adds is about 38 dB below any level that it is made for.
    assert decibels(power(tone(hertz)[inside]) / power(heard[inside] - tone(hertz)[inside])) > 30.0


@pytest.mark.parametrize("hertz", [60.0, 200.0, 3600.0, 5000.0, 7000.0])
def test_a_telephone_stops_what_is_outside_its_band(hertz: float) -> None:
    assert power(telephone(tone(hertz))) < 1e-5 * power(tone(hertz))


def test_nothing_comes_from_above_the_band_of_its_sampling_rate() -> None:
    heard = telephone(noise(2.0, -20.0))
    spectrum = np.abs(np.fft.rfft(heard)) ** 2
    hertz = np.fft.rfftfreq(len(heard), 1 / SAMPLE_RATE)
    assert spectrum[hertz > 4100].sum() < 1e-6 * spectrum.sum()
    # Between the band's edge and there is only what the quantisation makes.
    assert 0 < spectrum[(hertz > 3450) & (hertz < 3900)].sum() < 1e-3 * spectrum.sum()


def test_mu_law_keeps_quiet_speech_but_has_256_steps() -> None:
    for height in (0.5, 0.05, 0.01):
        waveform = tone(1000.0, 1.0, height)
        error = power(telephone(waveform)[1000:-1000] - waveform[1000:-1000])
        assert 20.0 < decibels(power(waveform) / error) < 45.0


@pytest.mark.parametrize("count", [1, 319, 320, 16001])
@pytest.mark.parametrize("kind", ["noise", "room", "telephone"])
def test_conditions_other_than_seconds_keep_the_length_and_the_range(kind: str, count: int, noises: tuple[Path, ...]) -> None:
    waveform = voice(1, 1.1, level=-6.0)[:count]
    for condition in conditions_of([kind], noises):
        heard = condition.apply(waveform, generator())
        assert heard.shape == waveform.shape
        assert heard.dtype == np.float32
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() <= 1.0


def test_an_empty_recording_stays_empty(noises: tuple[Path, ...]) -> None:
    for condition in conditions_of(list(VALUES), noises):
        assert condition.apply(silence(0.0), generator()).size == 0


def test_conditions_change_a_recording_the_same_way_each_time(noises: tuple[Path, ...]) -> None:
    waveform = voice(1, 3.0)
    heard = [[condition.apply(waveform, generator()) for condition in conditions_of(list(VALUES), noises)] for _ in range(2)]
    for first, second in zip(*heard, strict=True):
        np.testing.assert_array_equal(first, second)
    changed = [one.shape != waveform.shape or not np.allclose(one, waveform, atol=1e-3) for one in heard[0]]
    # Five and ten seconds of speech are more than it has, and so are three with the pauses between its syllables.
    assert changed == [True, True, False, False, False] + [True] * 7


def test_the_noise_of_a_recording_is_the_same_at_every_level(noises: tuple[Path, ...]) -> None:
    waveform = voice(1, 1.0, level=-40.0)
    first, second = (Condition("noise", snr, noises).apply(waveform, generator()) - waveform for snr in (20.0, 0.0))
    np.testing.assert_allclose(10.0 * first, second, atol=1e-6)


def test_rooms_and_noises_are_spread_over_recordings(noises: tuple[Path, ...]) -> None:
    waveform = voice(1, 0.2)
    for condition in (Condition("room", 0.3), Condition("noise", 5.0, noises)):
        heard = {condition.apply(waveform, np.random.default_rng(seed)).tobytes() for seed in range(40)}
        assert len(heard) > LAYOUTS / 2


def test_what_is_drawn_depends_on_what_is_in_the_file(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    for path, content in ((one, b"a"), (same, b"a"), (other, b"b")):
        path.write_bytes(content)
    drawn = [random_of(path).random() for path in (one, same, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_conditions_by_kind(noises: tuple[Path, ...]) -> None:
    conditions = conditions_of(["noise", "telephone", "noise"], noises)
    assert [(condition.kind, condition.name) for condition in conditions] == [
        ("noise", "20"),
        ("noise", "10"),
        ("noise", "5"),
        ("noise", "0"),
        ("telephone", "8000"),
    ]
    assert [bool(condition.noises) for condition in conditions] == [True] * 4 + [False]


def test_conditions_that_cannot_be_made() -> None:
    with pytest.raises(ConditionError, match="list of noises"):
        conditions_of(["noise"], [])
    with pytest.raises(ConditionError, match="'rain' is not known; known are: seconds, noise, room, telephone"):
        Condition("rain", 1.0).apply(voice(1, 0.1), generator())
