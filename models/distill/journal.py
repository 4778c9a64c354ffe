"""What a run tells while it goes on: `log.jsonl` for programs, TensorBoard's event files for people."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from torch.utils.tensorboard import SummaryWriter


class Journal:
    """Appends to the logs in a directory. `step`: where the run begins; what TensorBoard knows of later steps is hidden."""

    def __init__(self, directory: Path, step: int) -> None:
        self._lines = (directory / "log.jsonl").open("a", buffering=1)
        self._board = SummaryWriter(directory / "tensorboard", purge_step=step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._lines.close()
        self._board.close()

    def write(self, step: int, figures: dict[str, float]) -> None:
        """Note the figures of a step."""
        self._lines.write(json.dumps({"step": step, **{name: round(value, 4) for name, value in figures.items()}}) + "\n")
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)
