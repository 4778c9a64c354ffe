from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.evaluate.conditions import Condition
from models.evaluate.embeddings import embed_files, stack
from models.evaluate.figures import evaluate
from models.evaluate.measure import measure
from models.evaluate.trials import ENROLLMENT_RECORDINGS
from models.manifest import read_manifest
from tests.models.evaluate.conftest import RECORDINGS

pytestmark = pytest.mark.usefixtures("plugin")


def test_only_tests_are_heard_under_a_condition(corpus: Path) -> None:
    recordings = read_manifest(corpus / "manifest.tsv", corpus)
    paths = [recording.path for recording in recordings]
    room, telephone = Condition("room", 0.6), Condition("telephone", 8000.0)
    clean, in_room, by_telephone = (stack(list(embed_files("spectrum", paths, 1, [one]))) for one in (None, room, telephone))
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
