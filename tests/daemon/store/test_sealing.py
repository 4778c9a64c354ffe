from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.errors import StorageKeyError
from daemon.store.sealing import ADAPTED, KEY_BYTES, Place, Seal, SealBrokenError, create_key, read_key
from tests.daemon.templates import MODEL, same, template

KEY = bytes(range(KEY_BYTES))
PLACE = Place("Anna", MODEL, 0)


def test_what_is_sealed_comes_back() -> None:
    original, place = replace(template(1), session=2), Place("Anna", MODEL, 3, 2)
    opened = Seal(KEY).open(Seal(KEY).close(original, place), place)
    assert same(opened, original)
    assert opened.session == 2


def test_the_same_template_never_looks_the_same() -> None:
    assert Seal(KEY).close(template(1), PLACE) != Seal(KEY).close(template(1), PLACE)


def test_nothing_of_the_embedding_is_readable() -> None:
    original = template(1)
    sealed, raw = Seal(KEY).close(original, PLACE), original.embedding.tobytes()
    assert not any(raw[start : start + 4] in sealed for start in range(0, len(raw), 4))


@pytest.mark.parametrize("moved", [{"speaker": "Ben"}, {"model_id": "fake-2"}, {"position": 1}, {"session": 1}, {"session": ADAPTED}])
def test_a_seal_opens_only_in_its_place(moved: dict[str, Any]) -> None:
    sealed = Seal(KEY).close(template(1), PLACE)
    with pytest.raises(SealBrokenError):
        Seal(KEY).open(sealed, PLACE._replace(**moved))


@pytest.mark.parametrize("position", [0, 11, 12, 500, -1])
def test_an_altered_byte_breaks_the_seal(position: int) -> None:
    sealed = bytearray(Seal(KEY).close(template(1), PLACE))
    sealed[position] ^= 1
    with pytest.raises(SealBrokenError):
        Seal(KEY).open(bytes(sealed), PLACE)


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_truncated_seal_is_broken(length: int) -> None:
    with pytest.raises(SealBrokenError):
        Seal(KEY).open(Seal(KEY).close(template(1), PLACE)[:length], PLACE)


def test_only_the_key_verifies_its_proof() -> None:
    proof = Seal(KEY).proof()
    Seal(KEY).verify(proof)
    with pytest.raises(SealBrokenError):
        Seal(bytes(KEY_BYTES)).verify(proof)


def test_a_new_key_is_for_the_user_alone(tmp_path: Path) -> None:
    create_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len(read_key(tmp_path / "key")) == KEY_BYTES
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    create_key(tmp_path / "key")
    before = read_key(tmp_path / "key")
    create_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == before


def test_a_key_needs_its_directory(tmp_path: Path) -> None:
    with pytest.raises(StorageKeyError, match="cannot be made: No such file"):
        create_key(tmp_path / "unmounted" / "key")


def test_a_missing_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageKeyError, match="key is missing: restore it"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    create_key(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(StorageKeyError, match=rf"open to other users \(mode {mode:03o}\): make it yours alone with chmod 600"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_the_wrong_size_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "key").write_bytes(bytes(size))
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(StorageKeyError, match="must hold exactly 32 bytes"):
        read_key(tmp_path / "key")


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(StorageKeyError, match="cannot be read"):
        read_key(tmp_path)
