"""Runs `speakerctl` in this process against the daemon's stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clients.cli.main import run


@dataclass(frozen=True)
class Run:
    """What a run of `speakerctl` left."""

    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of its lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Speakerctl = Callable[..., Run]


@pytest.fixture
def speakerctl(socket: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Speakerctl:
    # Rich would fold lines at the width of a terminal that is not there.
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SPEAKERD_SOCKET", str(socket))

    def call(*arguments: str | Path) -> Run:
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Run(status, captured.out, captured.err)

    return call
