from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.distill.processes import make_files


def _make(path: Path) -> None:
    path.write_text(f"{torch.get_num_threads()}")


def test_each_is_made_by_one_thread(tmp_path: Path) -> None:
    wanted = [tmp_path / f"{number}" for number in range(20)]
    make_files(_make, wanted, 2, "files")
    assert [path.read_text() for path in wanted] == ["1"] * 20


def test_where_nothing_is_wanted_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    make_files(_make, [], 2, "files")
    assert capfd.readouterr().err == ""


def test_what_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_files(_make, [tmp_path / "nowhere" / "0"], 1, "files")
