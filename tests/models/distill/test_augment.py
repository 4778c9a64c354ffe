from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.distill.augment import AugmentConfig, Augmenter, mask_bands
from models.distill.corpus import Corpus, load_corpus
from models.features import SAMPLE_RATE
from tests.audio import voice

NOTHING = {"noise": 0.0, "babble": 0.0, "reverb": 0.0, "telephone": 0.0, "opus": 0.0, "gain_db": (0.0, 0.0)}
SPEECH = torch.from_numpy(np.stack([voice(seed=seed, seconds=1.0) for seed in range(4)]))


@pytest.fixture
def corpora(data: Path, tmp_path: Path) -> tuple[Corpus, Corpus]:
    return load_corpus([data / "hiss.wav"], tmp_path), load_corpus(sorted((data / "train").glob("*.wav")), tmp_path)


def _augment(corpora: tuple[Corpus, Corpus], effects: dict[str, object], seed: int = 0) -> torch.Tensor:
    augmenter = Augmenter(AugmentConfig.model_validate(NOTHING | effects), *corpora)
    return augmenter(SPEECH, np.random.default_rng(seed))


def test_without_effects_only_the_level_changes(corpora: tuple[Corpus, Corpus]) -> None:
    expected = SPEECH / SPEECH.abs().amax(dim=-1, keepdim=True)
    torch.testing.assert_close(_augment(corpora, {}), expected, rtol=0, atol=1e-4)


def test_noise_has_the_wanted_level(corpora: tuple[Corpus, Corpus]) -> None:
    noisy = _augment(corpora, {"noise": 1.0, "snr_db": (10.0, 10.0), "gain_db": (-20.0, -20.0)})
    for heard, speech in zip(noisy, SPEECH, strict=True):
        gain = heard @ speech / (speech @ speech)
        noise = heard - gain * speech
        snr = 10 * torch.log10((gain * speech).square().mean() / noise.square().mean())
        assert snr.item() == pytest.approx(10.0, abs=0.5)


def test_another_speed_moves_all_frequencies_a_little_and_keeps_the_length(corpora: tuple[Corpus, Corpus]) -> None:
    tones = torch.sin(2 * torch.pi * 1000 * torch.arange(SAMPLE_RATE) / SAMPLE_RATE).repeat(4, 1)
    augmenter = Augmenter(AugmentConfig.model_validate(NOTHING | {"speed": 1.0, "speed_share": 0.05}), *corpora)
    heard = augmenter(tones, np.random.default_rng(0))
    assert heard.shape == tones.shape
    loudest = torch.fft.rfft(heard).abs().argmax(dim=-1).float()
    assert ((loudest - 1000).abs() <= 55).all()
    assert loudest.unique().numel() > 1


def test_a_colour_lifts_some_frequencies_and_lowers_others_at_all_times_alike(corpora: tuple[Corpus, Corpus]) -> None:
    noise = torch.from_numpy(np.random.default_rng(0).normal(0.0, 0.1, (4, 2 * SAMPLE_RATE)).astype(np.float32))
    augmenter = Augmenter(AugmentConfig.model_validate(NOTHING | {"colour": 1.0}), *corpora)
    heard = augmenter(noise, np.random.default_rng(0))
    gains = [_band_levels(heard[:, half]) - _band_levels(noise[:, half]) for half in (slice(SAMPLE_RATE), slice(SAMPLE_RATE, None))]
    torch.testing.assert_close(gains[0], gains[1], rtol=0, atol=1.0)
    assert (gains[0].amax(dim=-1) - gains[0].amin(dim=-1) > 3.0).all()


def _band_levels(waveforms: torch.Tensor) -> torch.Tensor:
    """Power in each of eight bands, in decibels, (batch, 8)."""
    power = torch.fft.rfft(waveforms).abs().square()[:, :8000]
    return 10 * torch.log10(power.unflatten(-1, (8, 1000)).mean(dim=-1))


def test_a_telephone_carries_nothing_above_its_band(corpora: tuple[Corpus, Corpus]) -> None:
    spectrum = torch.fft.rfft(_augment(corpora, {"telephone": 1.0})).abs()
    hertz = torch.fft.rfftfreq(SPEECH.shape[-1], 1 / SAMPLE_RATE)
    assert (spectrum[:, hertz > 4000].square().sum() / spectrum.square().sum()).item() < 1e-4


def test_half_of_the_telephones_are_coded_in_256_steps(corpora: tuple[Corpus, Corpus]) -> None:
    heard = _augment(corpora, {"telephone": 1.0})
    steps = [len(row.unique()) for row in heard]
    assert min(steps) <= 256 < max(steps)


def test_a_codec_changes_the_samples_but_not_the_sound(corpora: tuple[Corpus, Corpus]) -> None:
    heard = _augment(corpora, {"opus": 1.0})
    for coded, speech in zip(heard, SPEECH, strict=True):
        likeness = coded @ speech / (coded.norm() * speech.norm())
        assert 0.9 < likeness < 0.99999


def test_a_room_rings_on(corpora: tuple[Corpus, Corpus]) -> None:
    click = torch.zeros(1, SAMPLE_RATE)
    click[0, 100] = 1.0
    augmenter = Augmenter(AugmentConfig.model_validate(NOTHING | {"reverb": 1.0}), *corpora)
    heard = augmenter(click, np.random.default_rng(0))
    assert heard[0, :100].abs().max() < 1e-5
    assert heard[0, 1000:4000].abs().max() > 1e-3


def test_the_same_seed_gives_the_same_audio_and_another_does_not(corpora: tuple[Corpus, Corpus]) -> None:
    effects: dict[str, object] = {"noise": 0.5, "babble": 0.5, "reverb": 0.5, "telephone": 0.5, "gain_db": (-20.0, 0.0)}
    assert torch.equal(_augment(corpora, effects), _augment(corpora, effects))
    assert not torch.equal(_augment(corpora, effects), _augment(corpora, effects, seed=1))


def test_nothing_leaves_full_scale(corpora: tuple[Corpus, Corpus]) -> None:
    assert _augment(corpora, {"noise": 1.0, "snr_db": (-10.0, -10.0), "gain_db": (12.0, 12.0)}).abs().max() <= 1.0


def test_masked_bands_look_like_the_prior() -> None:
    fill = torch.arange(80.0)
    masked = mask_bands(torch.full((16, 5, 80), -1.0), fill, 1.0, np.random.default_rng(0))
    for frames in masked:
        hidden = frames[0] != -1.0
        assert 1 <= hidden.sum() <= 10
        assert torch.equal(frames[:, hidden], fill[hidden].expand(5, -1))
