from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.distill.targets import TargetCache, TargetError
from models.teachers.store import TeacherError


def test_a_recording_that_is_too_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cough.wav"
    soundfile.write(path, np.full(800, 0.1), 16_000)
    with pytest.raises(TargetError, match=r"cough\.wav has 3 frames of 10 ms, too few to learn from"):
        TargetCache(tmp_path / "targets", "campplus").fill([path], jobs=1)


def test_a_teacher_that_is_trained_anew_has_targets_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKERD_TEACHERS", str(tmp_path))
    (tmp_path / "audio.wav").write_bytes(b"audio")
    with pytest.raises(TeacherError, match=r"xvector\.pt is missing"):
        TargetCache(tmp_path, "xvector").path(tmp_path / "audio.wav")
    places = []
    for value in (1.0, 2.0, 1.0):
        torch.save({"weight": torch.tensor(value)}, tmp_path / "xvector.pt")
        places.append(TargetCache(tmp_path, "xvector").path(tmp_path / "audio.wav"))
    assert places[0] != places[1]
    assert places[0] == places[2]
