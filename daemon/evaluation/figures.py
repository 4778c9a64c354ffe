"""Figures of attempts: rates with their intervals, and seconds of speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.evaluation.attempts import REASONS, Bools, CorpusAttempts, Ended
from daemon.evaluation.intervals import Rate, Tally, rate
from daemon.events import Outcome

CURVE_STEP: Final = 0.25
"""Seconds of speech between the points of a curve."""


@dataclass(frozen=True)
class Times:
    """Net seconds of speech until a decision, over the `n` attempts that came to it; None where there are none."""

    median: float | None
    p90: float | None
    n: int


@dataclass(frozen=True)
class Verification:
    """Attempts that claim one voice: target attempts by its owner, non-target ones by somebody else.

    far: false accepts among non-target attempts. frr: final rejections among target attempts. accepted: of target attempts. rejected: of
    non-target ones. undecided: of all, and of either kind.
    """

    far: Rate
    frr: Rate
    accepted: Rate
    rejected: Rate
    undecided: Rate
    undecided_target: Rate
    undecided_nontarget: Rate
    seconds_to_accept: Times
    seconds_to_reject: Times
    n_target: int
    n_nontarget: int


@dataclass(frozen=True)
class Identification:
    """Attempts that claim to be anybody enrolled, by those who are (known) and those who are not (unknown).

    recognised: known voices accepted as who they are. mistaken: known voices accepted as somebody else. Then what else becomes of
    known voices. accepted: unknown voices accepted as anybody; then what else becomes of unknown voices. enrolled: how many voices
    there were to choose from, on average over the attempts of known voices.
    """

    recognised: Rate
    mistaken: Rate
    rejected: Rate
    ambiguous: Rate
    undecided: Rate
    accepted_unknown: Rate
    rejected_unknown: Rate
    ambiguous_unknown: Rate
    undecided_unknown: Rate
    enrolled: float
    n_known: int
    n_unknown: int


@dataclass(frozen=True)
class Curve:
    """What has become of attempts after so many seconds of speech, as shares of all attempts of their kind; all (points,)."""

    seconds: tuple[float, ...]
    false_accepts: tuple[float, ...]
    false_rejects: tuple[float, ...]
    not_yet_accepted: tuple[float, ...]
    not_yet_rejected: tuple[float, ...]


def verification(corpora: Sequence[CorpusAttempts], seed: int) -> Verification:
    """Return the figures of all claims of these corpora."""
    target = [corpus.trials.target for corpus in corpora]
    accepted, rejected, undecided = (
        [corpus.claimed.came_to(outcome) for corpus in corpora] for outcome in (Outcome.ACCEPT, Outcome.REJECT, Outcome.UNDECIDED)
    )
    other = [~each for each in target]
    everything = [np.ones_like(each) for each in target]
    claimed = [corpus.claimed for corpus in corpora]
    return Verification(
        far=_claims(corpora, accepted, other, seed),
        frr=_claims(corpora, rejected, target, seed),
        accepted=_claims(corpora, accepted, target, seed),
        rejected=_claims(corpora, rejected, other, seed),
        undecided=_claims(corpora, undecided, everything, seed),
        undecided_target=_claims(corpora, undecided, target, seed),
        undecided_nontarget=_claims(corpora, undecided, other, seed),
        seconds_to_accept=_times(claimed, accepted, target),
        seconds_to_reject=_times(claimed, rejected, other),
        n_target=sum(int(each.sum()) for each in target),
        n_nontarget=sum(int(each.sum()) for each in other),
    )


def identification(corpora: Sequence[CorpusAttempts], seed: int) -> Identification:
    """Return the figures of all attempts at everybody enrolled."""
    right = [corpus.known.best == corpus.known_place for corpus in corpora]
    accepted = [corpus.known.came_to(Outcome.ACCEPT) for corpus in corpora]

    def known(came: Sequence[Bools]) -> Rate:
        return _people([(corpus.known_speaker, corpus) for corpus in corpora], came, seed)

    def unknown(outcome: Outcome) -> Rate:
        came = [corpus.unknown.came_to(outcome) for corpus in corpora]
        return _people([(corpus.unknown_speaker, corpus) for corpus in corpora], came, seed)

    sizes = [len(corpus.known_speaker) for corpus in corpora]
    enrolled = [len(corpus.trials.enrollments) for corpus in corpora]
    return Identification(
        recognised=known([a & r for a, r in zip(accepted, right, strict=True)]),
        mistaken=known([a & ~r for a, r in zip(accepted, right, strict=True)]),
        rejected=known([corpus.known.came_to(Outcome.REJECT) for corpus in corpora]),
        ambiguous=known([corpus.known.came_to(Outcome.AMBIGUOUS) for corpus in corpora]),
        undecided=known([corpus.known.came_to(Outcome.UNDECIDED) for corpus in corpora]),
        accepted_unknown=unknown(Outcome.ACCEPT),
        rejected_unknown=unknown(Outcome.REJECT),
        ambiguous_unknown=unknown(Outcome.AMBIGUOUS),
        undecided_unknown=unknown(Outcome.UNDECIDED),
        enrolled=float(np.average(enrolled, weights=sizes)) if any(sizes) else 0.0,
        n_known=sum(sizes),
        n_unknown=sum(len(corpus.unknown_speaker) for corpus in corpora),
    )


def curve(corpora: Sequence[CorpusAttempts], budget: float) -> Curve:
    """Return what has become of claims after so much speech, up to `budget` seconds."""
    seconds = np.arange(CURVE_STEP, budget + CURVE_STEP / 2, CURVE_STEP)
    target = np.concatenate([corpus.trials.target for corpus in corpora])
    claimed = Ended.joined([corpus.claimed for corpus in corpora])
    accepted, rejected = claimed.came_to(Outcome.ACCEPT), claimed.came_to(Outcome.REJECT)

    def by_then(came: Bools, kind: Bools) -> NDArray[np.float64]:
        # Where half a step was heard beyond, a decision belongs to the point before.
        ended = np.sort(claimed.seconds[came & kind])
        return np.searchsorted(ended, seconds + 1e-6, side="right") / max(1, int(kind.sum()))

    return Curve(
        _listed(seconds),
        _listed(by_then(accepted, ~target)),
        _listed(by_then(rejected, target)),
        _listed(1.0 - by_then(accepted, target)),
        _listed(1.0 - by_then(rejected, ~target)),
    )


def reasons(corpora: Sequence[CorpusAttempts], *, target: bool) -> dict[str, int]:
    """Return how many claims of a kind ended for which reason, the most frequent first."""
    ended = np.concatenate([corpus.claimed.reason[corpus.trials.target == target] for corpus in corpora])
    counts = np.bincount(ended, minlength=len(REASONS))
    return {REASONS[place].name: int(counts[place]) for place in np.argsort(-counts, kind="stable") if counts[place]}


def _claims(corpora: Sequence[CorpusAttempts], errors: Sequence[Bools], of: Sequence[Bools], seed: int) -> Rate:
    tallies = [
        Tally.of(corpus.trials.one[kind], corpus.trials.other[kind], wrong[kind], corpus.trials.speakers)
        for corpus, wrong, kind in zip(corpora, errors, of, strict=True)
    ]
    return rate(tallies, seed)


def _people(spoken: Sequence[tuple[NDArray[np.intp], CorpusAttempts]], came: Sequence[Bools], seed: int) -> Rate:
    tallies = [Tally.of(who, who, errors, corpus.trials.speakers) for (who, corpus), errors in zip(spoken, came, strict=True)]
    return rate(tallies, seed)


def _times(claimed: Sequence[Ended], came: Sequence[Bools], of: Sequence[Bools]) -> Times:
    seconds = np.concatenate([ended.seconds[a & b] for ended, a, b in zip(claimed, came, of, strict=True)])
    if not len(seconds):
        return Times(None, None, 0)
    median, p90 = np.percentile(seconds, [50, 90])
    return Times(round(float(median), 3), round(float(p90), 3), len(seconds))


def _listed(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
