from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.evaluate.conditions import Condition
from models.evaluate.embeddings import Sound, embed_files, stack
from models.evaluate.figures import evaluate
from models.evaluate.measure import measure
from models.evaluate.trials import ENROLLMENT_RECORDINGS, build_trials
from models.manifest import read_manifest
from tests.models.evaluate.conftest import RECORDINGS

pytestmark = pytest.mark.usefixtures("plugin")


def test_only_tests_are_heard_under_a_condition(corpus: Path) -> None:
    recordings = read_manifest(corpus / "manifest.tsv", corpus)
    room, telephone = Condition("room", 0.6), Condition("telephone", 8000.0)
    heard = embed_files("spectrum", [Sound(recording.path, (None, room, telephone)) for recording in recordings])
    clean, in_room, by_telephone = map(stack, zip(*heard, strict=True))
    enrolls = np.arange(len(recordings))[:, None] % RECORDINGS < ENROLLMENT_RECORDINGS
    expected = evaluate(
        recordings,
        clean,
        {room: np.where(enrolls, clean, in_room), telephone: np.where(enrolls, clean, by_telephone)},
    )
    measured = measure("spectrum", recordings, [room, telephone], jobs=1)
    assert measured.report == expected
    assert measured.parameters == 0
    assert measured.report.by["room"]["0.6"] != measured.report.by["telephone"]["8000"]


def test_no_condition_is_measured_unless_asked_for(corpus: Path) -> None:
    recordings = read_manifest(corpus / "manifest.tsv", corpus)
    assert set(measure("spectrum", recordings, [], jobs=1).report.by) == {"corpus", "sex", "language"}


def test_only_the_trials_of_a_list_are_measured(corpus: Path) -> None:
    recordings = read_manifest(corpus / "manifest.tsv", corpus)
    trials = build_trials(recordings)
    few = [replace(trials[0], **{name: getattr(trials[0], name)[:240] for name in ("enrolled", "tested", "one", "other", "target")})]
    measured = measure("spectrum", recordings, [Condition("room", 0.3)], few)
    assert measured.report.figures.n_target + measured.report.figures.n_nontarget == 240
    assert measured.report.by["room"]["0.3"].n_target == measured.report.figures.n_target
