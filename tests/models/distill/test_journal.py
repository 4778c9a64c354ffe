from __future__ import annotations

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from models.distill.journal import Journal


def test_figures_are_told_to_programs_and_to_tensorboard(tmp_path: Path) -> None:
    with Journal(tmp_path, 0) as journal:
        journal.write(0, {"frame": 0.51234567})
        journal.write(1, {"frame": 0.25, "dev_eer": 3.0})
    with Journal(tmp_path, 1) as journal:
        journal.write(1, {"frame": 0.125})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [{"step": 0, "frame": 0.5123}, {"step": 1, "frame": 0.25, "dev_eer": 3.0}, {"step": 1, "frame": 0.125}]
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    # A run that goes on from step 1 hides what was told of step 1 before.
    assert [(scalar.step, round(scalar.value, 3)) for scalar in board.Scalars("frame")] == [(0, 0.512), (1, 0.125)]
