from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluate.conditions import Condition
from models.evaluate.embeddings import EmbeddingError, Sound, embed_files, load_embedding, stack

pytestmark = pytest.mark.usefixtures("plugin")


def test_an_installed_embedding_is_found_by_name() -> None:
    assert load_embedding("spectrum").parameters == 0


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(EmbeddingError, match=r"'spectrogram' is not known; installed are: .*broken.*spectrum"):
        load_embedding("spectrogram")


def test_an_argument_follows_a_colon() -> None:
    assert load_embedding("band:7").parameters == 7


@pytest.mark.parametrize(
    ("name", "reason"),
    [("band:high", "'band' cannot be loaded: invalid literal"), ("band", "'band' cannot be loaded: .*missing 1 required")],
)
def test_an_embedding_that_cannot_be_loaded_says_why(name: str, reason: str) -> None:
    with pytest.raises(EmbeddingError, match=reason):
        load_embedding(name)


def _embed(name: str, paths: Iterable[Path], condition: Condition | None = None, jobs: int = 1) -> NDArray[np.float32]:
    return stack([embedding for [embedding] in embed_files(name, [Sound(path, (condition,)) for path in paths], jobs)])


def test_embeddings_come_in_the_order_of_the_files_whatever_the_number_of_processes(corpus: Path) -> None:
    paths = sorted(corpus.glob("*.wav"))
    alone, shared = _embed("spectrum", paths), _embed("spectrum", paths, jobs=2)
    np.testing.assert_array_equal(alone, shared)
    assert np.isnan(alone).any(axis=1).tolist() == [False] * (len(paths) - 1) + [True]


def test_a_recording_is_heard_under_each_of_its_conditions(corpus: Path) -> None:
    paths = sorted(corpus.glob("*.wav"))[:6]
    conditions = (None, Condition("telephone", 8000.0), Condition("room", 0.3))
    together = [stack(each) for each in embed_files("spectrum", [Sound(path, conditions) for path in paths], 2)]
    alone = [_embed("spectrum", paths, condition) for condition in conditions]
    np.testing.assert_array_equal(np.stack(together, axis=1), np.stack(alone))
    assert not np.allclose(alone[0], alone[1])
    assert not np.allclose(alone[0], alone[2])


def test_what_sounds_the_same_is_embedded_once(corpus: Path) -> None:
    # Half a second of speech has nothing to be cut.
    sound = Sound(corpus / "0-0.wav", (None, Condition("seconds", 1.0), Condition("seconds", 2.0), Condition("telephone", 8000.0)))
    [counts] = embed_files("counter", [sound])
    assert [None if count is None else int(count[0]) for count in counts] == [1, 1, 1, 2]


def test_a_file_that_is_not_audio_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("not audio")
    with pytest.raises(EmbeddingError, match=r"notes\.wav cannot be read"):
        list(embed_files("spectrum", [Sound(text)]))


def test_a_vector_that_is_not_finite_is_refused(corpus: Path) -> None:
    with pytest.raises(EmbeddingError, match="'broken' gives no finite vector"):
        list(embed_files("broken", [Sound(corpus / "0-0.wav")]))


def test_stack_of_no_embedding_at_all() -> None:
    assert np.isnan(stack([None, None])).all()
