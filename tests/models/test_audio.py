from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.audio import read_audio


@pytest.mark.parametrize("sample", [np.nan, np.inf, 20_000.0])
def test_what_is_no_sound_is_refused_by_name(sample: float, tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.array([0.0, sample, 0.0], dtype=np.float32), 16_000, subtype="FLOAT")
    with pytest.raises(soundfile.SoundFileError, match=r"odd\.wav has samples that are not finite or far outside of"):
        read_audio(path)


def test_a_file_without_a_header_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "pcm.raw"
    path.write_bytes(bytes(3200))
    with pytest.raises(soundfile.SoundFileError, match=r"pcm\.raw has no header"):
        read_audio(path)


def test_channels_are_averaged_and_rates_made_one(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.tile([0.5, -0.1], (48_000, 1)), 48_000)
    samples = read_audio(path)
    assert len(samples) == 16_000
    assert samples.dtype == np.float32
    assert np.allclose(samples[2000:-2000], 0.2, atol=1e-3)
