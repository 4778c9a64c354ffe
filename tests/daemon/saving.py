"""Processes that enroll until they are killed.

`python -m tests.daemon.saving forever DIRECTORY` saves one generation after the other and writes a line for each.
`python -m tests.daemon.saving once DIRECTORY` opens a new store in DIRECTORY/0 and saves one enrollment, killed before the first SQL
statement of all that, then in DIRECTORY/1, killed before the second, and so on, until one is not killed any more.
"""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

from daemon.config import LimitsConfig
from daemon.events import Evidence
from daemon.speakers import Template
from daemon.store.voiceprints import SaveMode, VoiceprintStore
from tests.daemon.templates import template

TEMPLATES = 30
NAME = "Anna"


class MortalConnection(sqlite3.Connection):
    """Kills its process before the statement at which `remaining` is zero."""

    remaining = -1

    def execute(self, *args: object) -> sqlite3.Cursor:
        if MortalConnection.remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        MortalConnection.remaining -= 1
        return super().execute(*args)  # type: ignore[arg-type]


def open_store(directory: Path) -> VoiceprintStore:
    return VoiceprintStore(directory, directory / "voiceprints.key", LimitsConfig(recordings=TEMPLATES))


def templates(generation: int) -> list[Template]:
    return [replace(template(seed), evidence=Evidence(speech=generation)) for seed in range(TEMPLATES)]


def forever(directory: Path) -> None:
    store = open_store(directory)
    for generation in itertools.count(1):
        store.save(NAME, templates(generation), SaveMode.REPLACE)
        sys.stdout.write(f"{generation}\n")
        sys.stdout.flush()


def once(directory: Path) -> None:
    statements = itertools.count()
    while _killed(directory, next(statements)):
        pass


def _killed(directory: Path, statement: int) -> bool:
    child = os.fork()
    if not child:
        with patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=MortalConnection)):
            MortalConnection.remaining = statement
            store = open_store(directory / str(statement))
        store.save(NAME, templates(1), SaveMode.CREATE)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


if __name__ == "__main__":
    {"forever": forever, "once": once}[sys.argv[1]](Path(sys.argv[2]))
