"""Trials as a list asks for them, such as those of VoxCeleb.

A line is a trial: its label, what enrolls, what is verified, separated by tabs, or by blanks where there are no tabs. The label is
`1` or `target`, `0` or `nontarget`. What enrolls is a recording, or several with commas between them. Paths are relative to the root
directory. A first line `label enroll test`, empty lines and lines that start with `#` are no trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.evaluate.trials import CorpusTrials
from models.manifest import Recording

LABELS: Final = {"1": True, "target": True, "0": False, "nontarget": False}
HEADER: Final = ["label", "enroll", "test"]


class TrialListError(ValueError):
    """A list of trials cannot be used; the message names the file, the line and what is expected."""


@dataclass(frozen=True)
class Trial:
    """One line of a list: the recordings that enroll, the one that is verified, and whether one speaker is heard in all of them."""

    target: bool
    enroll: tuple[Path, ...]
    test: Path


def read_trials(path: Path, root: Path) -> list[Trial]:
    """Return the trials of a list with paths under `root`. Raises `TrialListError` on a malformed one."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise TrialListError(f"{path} is not a list of trials: it is no UTF-8 text") from None
    trials = [_trial(fields, root, f"{path}:{number}") for number, fields in _fields(lines)]
    if not trials:
        raise TrialListError(f"{path}: no trial is listed")
    return trials


def _fields(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each line that is a trial."""
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
        if any(fields) and not line.startswith("#") and not (number == 1 and fields == HEADER):
            yield number, fields


def _trial(fields: Sequence[str], root: Path, where: str) -> Trial:
    if len(fields) != len(HEADER):
        raise TrialListError(f"{where}: {len(fields)} fields, expected three: label, enroll, test")
    label, enroll, test = fields
    if label not in LABELS:
        raise TrialListError(f"{where}: the label is {label!r}, expected one of {', '.join(LABELS)}")
    paths = [path.strip() for path in enroll.split(",")]
    if not all([*paths, test]):
        raise TrialListError(f"{where}: a path is empty")
    return Trial(LABELS[label], tuple(root / path for path in paths), root / test)


def recordings_of(trials: Sequence[Trial], corpus: str) -> list[Recording]:
    """Return each recording of a list once, for lists without a manifest: who speaks is known from the trials alone."""
    paths = dict.fromkeys(path for trial in trials for path in (*trial.enroll, trial.test))
    return [Recording(path, f"{index}_unknown", corpus) for index, path in enumerate(paths)]


def used_recordings(trials: Sequence[Trial], recordings: Sequence[Recording]) -> list[Recording]:
    """Return those recordings of a manifest that a list asks for. Raises `TrialListError` for one that the manifest lacks."""
    by_path = {recording.path: recording for recording in recordings}
    used = dict.fromkeys(path for trial in trials for path in (*trial.enroll, trial.test))
    for path in used:
        if path not in by_path:
            raise TrialListError(f"{path} is in the list of trials, but not in the manifest")
    return [by_path[path] for path in used]


def listed_trials(trials: Sequence[Trial], recordings: Sequence[Recording]) -> list[CorpusTrials]:
    """Return the trials of each corpus, that of the recording that is verified; positions are those in `recordings`, which has all.

    Who speaks is what labelled recordings say and what follows from target trials: both sides of one are the same speaker.
    """
    positions = {recording.path: index for index, recording in enumerate(recordings)}
    speakers = _speakers(trials, recordings, positions)
    by_corpus: dict[str, list[Trial]] = {}
    for trial in trials:
        by_corpus.setdefault(recordings[positions[trial.test]].corpus, []).append(trial)
    return [_corpus_trials(corpus, by_corpus[corpus], positions, speakers) for corpus in sorted(by_corpus)]


def _corpus_trials(corpus: str, trials: Sequence[Trial], positions: dict[Path, int], speakers: Sequence[int]) -> CorpusTrials:
    enrollments = {enroll: index for index, enroll in enumerate(dict.fromkeys(trial.enroll for trial in trials))}
    tests = {test: index for index, test in enumerate(dict.fromkeys(trial.test for trial in trials))}
    sides = [[speakers[positions[trial.enroll[0]]] for trial in trials], [speakers[positions[trial.test]] for trial in trials]]
    numbers, (one, other) = np.unique(sides, return_inverse=True)
    return CorpusTrials(
        corpus=corpus,
        speakers=len(numbers),
        enrollments=tuple(tuple(positions[path] for path in enroll) for enroll in enrollments),
        tests=np.array([positions[test] for test in tests], dtype=np.intp),
        enrolled=np.array([enrollments[trial.enroll] for trial in trials], dtype=np.intp),
        tested=np.array([tests[trial.test] for trial in trials], dtype=np.intp),
        one=one,
        other=other,
        target=np.array([trial.target for trial in trials]),
    )


def _speakers(trials: Sequence[Trial], recordings: Sequence[Recording], positions: dict[Path, int]) -> list[int]:
    """Return the speaker of each recording, as the position of one of this speaker's recordings."""
    leaders = list(range(len(recordings)))

    def leader(position: int) -> int:
        while leaders[position] != position:
            leaders[position] = leaders[leaders[position]]
            position = leaders[position]
        return position

    first: dict[tuple[str, str], int] = {}
    for index, recording in enumerate(recordings):
        if recording.labelled:
            leaders[index] = first.setdefault((recording.corpus, recording.speaker), index)
    for trial in trials:
        for path in (*trial.enroll[1:], *([trial.test] if trial.target else [])):
            leaders[leader(positions[path])] = leader(positions[trial.enroll[0]])
    return [leader(index) for index in range(len(recordings))]
