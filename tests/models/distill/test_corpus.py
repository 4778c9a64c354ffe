from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from models.audio import read_audio
from models.distill.corpus import load_corpus, speaker_classes
from models.distill.targets import digest
from models.manifest import Recording


def test_recordings_come_back_as_they_are(data: Path, tmp_path: Path) -> None:
    paths = sorted((data / "train").glob("0-*.wav"))
    corpus = load_corpus(paths, tmp_path)
    for index, path in enumerate(paths):
        expected = read_audio(path)
        assert corpus.lengths[index] == len(expected)
        assert np.abs(corpus.crop(index, 0, len(expected)) - expected).max() < 1e-4
        assert np.array_equal(corpus.crop(index, 100, 50), corpus.crop(index, 0, 200)[100:150])


def test_audio_is_decoded_once(data: Path, tmp_path: Path) -> None:
    paths = sorted((data / "train").glob("0-*.wav"))
    load_corpus(paths, tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    load_corpus(paths, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written


def test_other_audio_of_the_same_size_is_decoded_anew(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    soundfile.write(path, np.full(1600, 0.1), 16_000)
    before = load_corpus([path], tmp_path / "cache").crop(0, 0, 1600)
    digest.cache_clear()  # As another run would have it.
    soundfile.write(path, np.full(1600, 0.5), 16_000)
    after = load_corpus([path], tmp_path / "cache").crop(0, 0, 1600)
    assert np.allclose(before, 0.1, atol=1e-4)
    assert np.allclose(after, 0.5, atol=1e-4)


def test_looping_starts_over_at_the_end(data: Path, tmp_path: Path) -> None:
    corpus = load_corpus([data / "hiss.wav"], tmp_path)
    length = int(corpus.lengths[0])
    looped = corpus.looped(0, length - 10, length + 20)
    assert np.array_equal(looped[10:20], looped[length + 10 :])
    assert np.array_equal(looped[10 : length + 10], corpus.crop(0, 0, length))


def test_unknown_speakers_are_classes_of_their_own() -> None:
    recordings = [Recording(Path(name), speaker, "c") for name, speaker in [("a", "x"), ("b", "x"), ("d", "c_unknown"), ("e", "c_unknown")]]
    classes = speaker_classes(recordings)
    assert classes[0] == classes[1]
    assert len(set(classes.tolist())) == 3
