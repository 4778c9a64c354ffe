from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.evaluate.conditions import Condition
from models.evaluate.embeddings import EmbeddingError, embed_files, load_embedding, stack

pytestmark = pytest.mark.usefixtures("plugin")


def test_an_installed_embedding_is_found_by_name() -> None:
    assert load_embedding("spectrum").parameters == 0


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(EmbeddingError, match=r"'spectrogram' is not known; installed are: .*broken.*spectrum"):
        load_embedding("spectrogram")


def test_embeddings_come_in_the_order_of_the_files_whatever_the_number_of_processes(corpus: Path) -> None:
    paths = sorted(corpus.glob("*.wav"))
    alone = stack(list(embed_files("spectrum", paths, jobs=1)))
    shared = stack(list(embed_files("spectrum", paths, jobs=2)))
    np.testing.assert_array_equal(alone, shared)
    assert np.isnan(alone).any(axis=1).tolist() == [False] * (len(paths) - 1) + [True]


def test_conditions_are_heard_one_after_the_other(corpus: Path) -> None:
    paths = sorted(corpus.glob("*.wav"))[:6]
    telephone, room = Condition("telephone", 8000.0), Condition("room", 0.3)
    together = stack(list(embed_files("spectrum", paths, 2, [None, telephone, room])))
    alone = [stack(list(embed_files("spectrum", paths, 1, [condition]))) for condition in (None, telephone, room)]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    np.testing.assert_array_equal(alone[0], stack(list(embed_files("spectrum", paths))))
    assert not np.allclose(alone[0], alone[1])
    assert not np.allclose(alone[0], alone[2])


def test_a_file_that_is_not_audio_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("not audio")
    with pytest.raises(EmbeddingError, match=r"notes\.wav cannot be read"):
        list(embed_files("spectrum", [text]))


def test_a_vector_that_is_not_finite_is_refused(corpus: Path) -> None:
    with pytest.raises(EmbeddingError, match="'broken' gives no finite vector"):
        list(embed_files("broken", [corpus / "0-0.wav"]))


def test_stack_of_no_embedding_at_all() -> None:
    assert np.isnan(stack([None, None])).all()
