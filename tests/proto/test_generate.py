"""The stubs that are checked in are what the generators make of the .proto files."""

from __future__ import annotations

from pathlib import Path

from proto.generate import ROOT, generate


def test_stubs_are_up_to_date(tmp_path: Path) -> None:
    generated = generate(tmp_path)

    stale = [path for path in generated if not (ROOT / path).exists() or (ROOT / path).read_bytes() != (tmp_path / path).read_bytes()]

    assert generated
    assert stale == [], "run `python -m proto.generate`"


def test_no_stub_lacks_its_source(tmp_path: Path) -> None:
    checked_in = {path.relative_to(ROOT) for pattern in ("*_pb2*.py", "*_pb2*.pyi") for path in ROOT.rglob(pattern)}

    assert checked_in == set(generate(tmp_path))
