from __future__ import annotations

from pathlib import Path

import pytest

from models.evaluate.trial_list import Trial, TrialListError, listed_trials, read_trials, recordings_of, used_recordings
from models.manifest import Recording

ROOT = Path("root")
A, B, C, D = (ROOT / name for name in "abcd")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "trials.txt"
    path.write_text(text)
    return path


def test_a_list_as_that_of_voxceleb(tmp_path: Path) -> None:
    path = written(tmp_path, "1 a b\n0 a c\n")
    assert read_trials(path, ROOT) == [Trial(True, (A,), B), Trial(False, (A,), C)]


def test_a_list_with_tabs_a_header_and_several_enrollments(tmp_path: Path) -> None:
    path = written(tmp_path, "label\tenroll\ttest\n# who it is\ntarget\ta, b\tc\n\nnontarget\tmy voice,a\td\n")
    assert read_trials(path, ROOT) == [Trial(True, (A, B), C), Trial(False, (ROOT / "my voice", A), D)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no trial is listed"),
        ("label enroll test\n", "no trial is listed"),
        ("1 a\n", "trials.txt:1: 2 fields, expected three: label, enroll, test"),
        ("1 a b\n1 a b c\n", "trials.txt:2: 4 fields"),
        ("yes a b\n", "trials.txt:1: the label is 'yes', expected one of 1, target, 0, nontarget"),
        ("1 a,,b c\n", "trials.txt:1: a path is empty"),
        ("1\ta\t\n", "trials.txt:1: a path is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TrialListError, match=message):
        read_trials(written(tmp_path, text), ROOT)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trials.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TrialListError, match="no UTF-8 text"):
        read_trials(path, ROOT)


def test_each_recording_is_listed_once() -> None:
    recordings = recordings_of([Trial(True, (A, B), C), Trial(False, (B,), A)], "mine")
    assert [recording.path for recording in recordings] == [A, B, C]
    assert {recording.corpus for recording in recordings} == {"mine"}


def test_speakers_follow_from_target_trials() -> None:
    trials = [Trial(True, (A, B), C), Trial(False, (A, B), D), Trial(True, (D,), ROOT / "e"), Trial(False, (C,), ROOT / "e")]
    [built] = listed_trials(trials, recordings_of(trials, "mine"))
    assert built.corpus == "mine"
    assert built.enrollments == ((0, 1), (3,), (2,))
    assert built.tests.tolist() == [2, 3, 4]
    assert built.enrolled.tolist() == [0, 0, 1, 2]
    assert built.tested.tolist() == [0, 1, 2, 2]
    assert built.target.tolist() == [True, False, True, False]
    assert built.speakers == 2
    assert (built.one == built.other).tolist() == [True, False, True, False]


def test_speakers_that_a_manifest_names_are_known_without_target_trials() -> None:
    recordings = [Recording(A, "ann", "x"), Recording(B, "bob", "x"), Recording(C, "ann", "x"), Recording(D, "some_unknown", "y")]
    trials = [Trial(False, (A,), B), Trial(False, (B,), C), Trial(False, (A,), D)]
    first, second = listed_trials(trials, recordings)
    assert (first.corpus, second.corpus) == ("x", "y")
    assert first.speakers == 2
    assert first.one[0] == first.other[1]


def test_only_recordings_of_the_list_are_used() -> None:
    recordings = [Recording(path, "ann", "x") for path in (A, B, C)]
    assert used_recordings([Trial(True, (C,), A)], recordings) == [recordings[2], recordings[0]]
    with pytest.raises(TrialListError, match=r"d is in the list of trials, but not in the manifest"):
        used_recordings([Trial(True, (A,), D)], recordings)
