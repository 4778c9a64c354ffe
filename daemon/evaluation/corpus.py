"""The attempts of a whole corpus: some are enrolled, and everybody else's recordings are tried at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.evaluation.attempts import CorpusAttempts, Ended
from daemon.evaluation.bench import Bench, Enrollment, Roster, Test, Workers
from daemon.evaluation.enrolling import Enrolled
from daemon.evaluation.replay import Decisions
from daemon.speakers import Speaker
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
    made = tuple(workers(Bench.enroll, asked))
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
    decided = list(workers(partial(_attempt, roster), tests))
    return _attempts(trials, roster.speakers, decided, speaks, own)


def _attempt(roster: Roster, bench: Bench, test: Test) -> Decisions:
    return bench.attempt(roster, test)


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
    trials: CorpusTrials,
    speakers: Sequence[Speaker],
    decided: Sequence[Decisions],
    speaks: NDArray[np.intp],
    own: Sequence[int | None],
) -> CorpusAttempts:
    names = [speaker.name for speaker in speakers]
    # Each test's claims are in the order of the enrolled; the trials may be in any.
    claimed = Ended.of([decision for decisions in decided for decision in decisions.claims], names)
    known = [place for place, decisions in enumerate(decided) if decisions.known]
    unknown = [place for place, decisions in enumerate(decided) if decisions.unknown]
    return CorpusAttempts(
        trials=trials,
        claimed=claimed.where(trials.tested * len(names) + trials.enrolled),
        known=Ended.of([decisions.known for decisions in decided if decisions.known], names),
        known_speaker=speaks[known],
        known_place=np.array([own[place] for place in known], dtype=np.intp),
        unknown=Ended.of([decisions.unknown for decisions in decided if decisions.unknown], names),
        unknown_speaker=speaks[unknown],
    )
