from __future__ import annotations

import numpy as np
import pytest

from daemon.evaluation.attempts import OUTCOMES, REASONS, CorpusAttempts, Ended
from daemon.evaluation.figures import curve, identification, reasons, verification
from daemon.events import Outcome, Reason
from models.evaluate.trials import CorpusTrials, build_trials
from tests.models.evaluate.recordings import recordings_of

A, R, U, M = Outcome.ACCEPT, Outcome.REJECT, Outcome.UNDECIDED, Outcome.AMBIGUOUS
WHY = {A: Reason.LLR_ABOVE_BOUNDARY, R: Reason.LLR_BELOW_BOUNDARY, U: Reason.AUDIO_ENDED, M: Reason.SPEAKERS_TOO_CLOSE}


def ended(*outcomes: tuple[Outcome, float, int]) -> Ended:
    """Return attempts that ended so: outcome, seconds of speech, the best speaker's place."""
    return Ended(
        np.array([OUTCOMES.index(outcome) for outcome, _, _ in outcomes], dtype=np.int8),
        np.array([REASONS.index(WHY[outcome]) for outcome, _, _ in outcomes], dtype=np.int8),
        np.array([seconds for _, seconds, _ in outcomes], dtype=np.float32),
        np.array([best for _, _, best in outcomes], dtype=np.int32),
    )


def trials() -> CorpusTrials:
    """Two speakers enrolled, with two tests each, and a stranger with one: ten trials."""
    (made,) = build_trials(recordings_of("c", {"a": 5, "b": 5, "x": 1}))
    assert made.target.tolist() == [True, True, False, False, False, False, False, True, True, False]
    return made


@pytest.fixture
def corpus() -> CorpusAttempts:
    return CorpusAttempts(
        trials=trials(),
        claimed=ended(
            *[(A, 1.0, 0), (R, 2.0, 0), (R, 1.0, 0), (A, 3.0, 0), (R, 2.0, 0)],
            *[(U, 8.0, 0), (R, 3.0, 0), (A, 2.0, 0), (A, 4.0, 0), (R, 5.0, 0)],
        ),
        known=ended((A, 1.0, 0), (A, 1.0, 1), (M, 4.0, 1), (U, 8.0, -1)),
        known_speaker=np.array([0, 0, 1, 1]),
        known_place=np.array([0, 0, 1, 1]),
        unknown=ended((R, 1.0, 1), (R, 1.0, 1), (A, 1.0, 0), (U, 1.0, 0), (R, 1.0, 0)),
        unknown_speaker=np.array([0, 0, 1, 1, 2]),
    )


def test_rates_are_of_attempts_of_a_kind(corpus: CorpusAttempts) -> None:
    figures = verification([corpus], seed=0)
    assert (figures.n_target, figures.n_nontarget) == (4, 6)
    assert (figures.far.count, figures.frr.count) == (1, 1)
    assert figures.far.rate == pytest.approx(1 / 6)
    assert figures.frr.rate == 0.25
    assert figures.accepted.rate == 0.75
    assert figures.rejected.rate == pytest.approx(4 / 6)
    assert figures.undecided.rate == 0.1
    assert figures.undecided_target.rate == 0.0
    assert figures.undecided_nontarget.rate == pytest.approx(1 / 6)


def test_seconds_are_of_right_decisions(corpus: CorpusAttempts) -> None:
    figures = verification([corpus], seed=0)
    accept, reject = figures.seconds_to_accept, figures.seconds_to_reject
    # Targets were accepted after 1, 2 and 4 s; the wrong acceptance after 3 s is not among them.
    assert (accept.median, accept.n) == (2.0, 3)
    assert (reject.median, reject.n) == (2.5, 4)


def test_nothing_decided_takes_no_time(corpus: CorpusAttempts) -> None:
    never = CorpusAttempts(**{**vars(corpus), "claimed": ended(*[(U, 8.0, 0)] * 10)})
    figures = verification([never], seed=0)
    assert (figures.seconds_to_accept.median, figures.seconds_to_accept.p90, figures.seconds_to_accept.n) == (None, None, 0)
    assert figures.undecided.rate == 1.0


def test_identification_tells_who_from_whom(corpus: CorpusAttempts) -> None:
    figures = identification([corpus], seed=0)
    known = (figures.recognised, figures.mistaken, figures.rejected, figures.ambiguous, figures.undecided)
    assert [rate.rate for rate in known] == [0.25, 0.25, 0.0, 0.25, 0.25]
    unknown = (figures.accepted_unknown, figures.rejected_unknown, figures.ambiguous_unknown, figures.undecided_unknown)
    assert [rate.rate for rate in unknown] == [pytest.approx(share) for share in (0.2, 0.6, 0.0, 0.2)]
    assert (figures.enrolled, figures.n_known, figures.n_unknown) == (2.0, 4, 5)


def test_a_curve_tells_what_was_decided_by_then(corpus: CorpusAttempts) -> None:
    drawn = curve([corpus], 8.0)
    assert drawn.seconds[0] == 0.25
    assert drawn.seconds[-1] == 8.0
    at = {seconds: place for place, seconds in enumerate(drawn.seconds)}
    assert [drawn.false_accepts[at[seconds]] for seconds in (2.75, 3.0, 8.0)] == [
        0.0,
        pytest.approx(1 / 6, abs=1e-6),
        pytest.approx(1 / 6, abs=1e-6),
    ]
    assert [drawn.false_rejects[at[seconds]] for seconds in (1.75, 2.0)] == [0.0, 0.25]
    assert [drawn.not_yet_accepted[at[seconds]] for seconds in (0.5, 1.0, 2.0, 8.0)] == [1.0, 0.75, 0.5, 0.25]
    assert drawn.not_yet_rejected[-1] == pytest.approx(2 / 6, abs=1e-6)


def test_reasons_are_counted_by_kind(corpus: CorpusAttempts) -> None:
    assert reasons([corpus], target=True) == {"LLR_ABOVE_BOUNDARY": 3, "LLR_BELOW_BOUNDARY": 1}
    assert reasons([corpus], target=False) == {"LLR_BELOW_BOUNDARY": 4, "LLR_ABOVE_BOUNDARY": 1, "AUDIO_ENDED": 1}
