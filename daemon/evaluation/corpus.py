"""The attempts of a whole corpus: some are enrolled, and everybody else's recordings are tried at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.evaluation.attempts import CorpusAttempts, Ended, Tried
from daemon.evaluation.bench import Bench, Enrollment, Roster, Test, Workers
from daemon.evaluation.enrolling import Enrolled
from models.evaluate.trials import CorpusTrials
from models.manifest import Recording


class CorpusEnrolled(NamedTuple):
    """A corpus with its enrollments, those that are possible in trials and roster, all of them in `enrollments`."""

    trials: CorpusTrials
    roster: Roster
    enrollments: tuple[Enrolled, ...]


def enroll_corpus(trials: CorpusTrials, recordings: Sequence[Recording], workers: Workers) -> CorpusEnrolled:
    """Enroll everybody whom the trials enroll; names are those of corpus and speaker."""
    asked = [_enrollment([recordings[position] for position in positions]) for positions in trials.enrollments]
    made = tuple(workers(Bench.enroll, asked, f"enrolling {trials.corpus}"))
    kept = [place for place, enrolled in enumerate(made) if enrolled.speaker]
    speakers = tuple(enrolled.speaker for enrolled in made if enrolled.speaker)
    return CorpusEnrolled(_only(trials, kept), Roster(trials.corpus, speakers), made)


def try_corpus(enrolled: CorpusEnrolled, recordings: Sequence[Recording], workers: Workers) -> CorpusAttempts:
    """Try every recording that enrolls nobody at everybody enrolled, who are at least one."""
    trials, roster = enrolled.trials, enrolled.roster
    speaks = _by(trials.tested, trials.other, len(trials.tests))
    places = {int(speaker): place for place, speaker in enumerate(_by(trials.enrolled, trials.one, len(roster.speakers)))}
    own = [places.get(int(speaker)) for speaker in speaks]
    tests = [Test(recordings[position].path, place) for position, place in zip(trials.tests, own, strict=True)]
    tried = list(workers(partial(_attempt, roster), tests, f"trying {trials.corpus}"))
    return _attempts(trials, len(roster.speakers), tried, speaks, own)


def _attempt(roster: Roster, bench: Bench, test: Test) -> Tried:
    # What becomes of an attempt is far smaller than its decision, and there are many.
    names = [speaker.name for speaker in roster.speakers]
    claims, *anybody = bench.attempt(roster, test)
    return Tried(Ended.of(claims, names), *(None if one is None else Ended.of([one], names) for one in anybody))


def _enrollment(recordings: Sequence[Recording]) -> Enrollment:
    first = recordings[0]
    return Enrollment(f"{first.corpus}/{first.speaker}", tuple(recording.path for recording in recordings))


def _only(trials: CorpusTrials, kept: Sequence[int]) -> CorpusTrials:
    """Keep the trials of some enrollments, by their places."""
    places = np.full(len(trials.enrollments), -1, dtype=np.intp)
    places[list(kept)] = np.arange(len(kept))
    chosen = places[trials.enrolled] >= 0
    return replace(
        trials,
        enrollments=tuple(trials.enrollments[place] for place in kept),
        enrolled=places[trials.enrolled[chosen]],
        tested=trials.tested[chosen],
        one=trials.one[chosen],
        other=trials.other[chosen],
        target=trials.target[chosen],
    )


def _by(index: NDArray[np.intp], values: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    ordered = np.zeros(length, dtype=np.intp)
    ordered[index] = values
    return ordered


def _attempts(
    trials: CorpusTrials, enrolled: int, tried: Sequence[Tried], speaks: NDArray[np.intp], own: Sequence[int | None]
) -> CorpusAttempts:
    known = [place for place, one in enumerate(tried) if one.known]
    unknown = [place for place, one in enumerate(tried) if one.unknown]
    return CorpusAttempts(
        trials=trials,
        # Each test's claims are in the order of the enrolled; the trials may be in any.
        claimed=Ended.joined([one.claims for one in tried]).where(trials.tested * enrolled + trials.enrolled),
        known=Ended.joined([one.known for one in tried if one.known]),
        known_speaker=speaks[known],
        known_place=np.array([own[place] for place in known], dtype=np.intp),
        unknown=Ended.joined([one.unknown for one in tried if one.unknown]),
        unknown_speaker=speaks[unknown],
    )
