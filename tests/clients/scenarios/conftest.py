"""Scenario files in a directory of their own, with recordings beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Write = Callable[[str], Path]

EXAMPLES = Path(__file__).parents[3] / "clients" / "scenarios" / "examples"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a scenario beside `ramp.wav`, one second at 16 kHz whose samples count from 0."""
    soundfile.write(tmp_path / "ramp.wav", np.arange(16_000, dtype=np.int16), 16_000, subtype="PCM_16")

    def scenario(text: str) -> Path:
        path = tmp_path / "test.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return scenario
