from __future__ import annotations

import numpy as np
import pytest

from daemon.config import DecisionConfig
from daemon.decision import DEFAULT_CANDIDATES, Decider
from daemon.events import Decision, Evidence, Outcome, Reason
from daemon.speakers import Speaker, Template
from models.encoder import Embedding
from tests.fakes import ENROLLED

CONFIG = DecisionConfig(
    accept_score=0.5,
    reject_score=0.3,
    accept_speech_seconds=1.0,
    reject_speech_seconds=2.0,
    min_speech_seconds=0.5,
    ambiguous_margin=0.05,
)
SECOND = 16_000


def speaker(name: str, voiceprint: Embedding) -> Speaker:
    return Speaker(name, (Template(voiceprint, "edge-1", Evidence()),), ENROLLED, ENROLLED)


def axes(count: int) -> list[Speaker]:
    """Speakers whose voiceprints are the unit vectors, so that an embedding lists its own scores."""
    return [speaker(f"speaker {index}", row) for index, row in enumerate(np.eye(192, dtype=np.float32)[:count])]


def embedding(*scores: float) -> Embedding:
    """Return a unit vector with these first coordinates."""
    rest = np.sqrt(1.0 - np.sum(np.square(scores)))
    return np.array([*scores, *np.zeros(191 - len(scores)), rest], dtype=np.float32)


def decide(*scores: float, seconds: float, ended: bool = False) -> Decision:
    decider = Decider(axes(max(1, len(scores))), CONFIG)
    return decider.decide(embedding(*scores) if scores else None, Evidence(speech=round(seconds * SECOND)), 99, ended=ended)


@pytest.mark.parametrize(
    ("score", "seconds", "outcome", "reason"),
    [
        (0.6, 0.9, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.6, 1.0, Outcome.ACCEPT, Reason.SCORE_ABOVE_THRESHOLD),
        (0.4, 0.9, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.4, 9.0, Outcome.UNDECIDED, Reason.SCORE_BETWEEN_THRESHOLDS),
        (0.2, 1.9, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.2, 2.0, Outcome.REJECT, Reason.SCORE_BELOW_THRESHOLD),
    ],
)
def test_while_audio_may_follow(score: float, seconds: float, outcome: Outcome, reason: Reason) -> None:
    decision = decide(score, seconds=seconds)
    assert (decision.outcome, decision.reason, decision.final) == (outcome, reason, False)


@pytest.mark.parametrize(
    ("score", "seconds", "outcome", "reason"),
    [
        (0.6, 0.4, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.6, 0.5, Outcome.ACCEPT, Reason.SCORE_ABOVE_THRESHOLD),
        (0.4, 0.5, Outcome.UNDECIDED, Reason.SCORE_BETWEEN_THRESHOLDS),
        (0.2, 0.4, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.2, 0.5, Outcome.REJECT, Reason.SCORE_BELOW_THRESHOLD),
    ],
)
def test_at_the_end_of_the_audio(score: float, seconds: float, outcome: Outcome, reason: Reason) -> None:
    decision = decide(score, seconds=seconds, ended=True)
    assert (decision.outcome, decision.reason, decision.final) == (outcome, reason, True)


@pytest.mark.parametrize("ended", [False, True])
def test_no_speech(ended: bool) -> None:  # noqa: FBT001 - a parameter of the test
    decision = decide(seconds=0.0, ended=ended)
    assert (decision.outcome, decision.reason) == (Outcome.UNDECIDED, Reason.NO_SPEECH)
    assert decision.candidates == ()
    assert decision.margin == 0.0


def test_speech_without_an_embedding_is_not_enough() -> None:
    assert decide(seconds=5.0, ended=True).reason is Reason.NOT_ENOUGH_SPEECH


@pytest.mark.parametrize("speech", [0, 5 * SECOND])
@pytest.mark.parametrize("ended", [False, True])
def test_nothing_is_decided_among_nobody(*, speech: int, ended: bool) -> None:
    decision = Decider([], CONFIG).decide(embedding(1.0), Evidence(speech=speech), 0, ended=ended)
    assert (decision.outcome, decision.reason, decision.final) == (Outcome.UNDECIDED, Reason.NO_SPEAKERS_ENROLLED, ended)
    assert decision.candidates == ()


def test_score_is_returned_when_undecided() -> None:
    decision = decide(0.6, seconds=0.1)
    assert decision.outcome is Outcome.UNDECIDED
    assert decision.candidates[0].score == pytest.approx(0.6)
    assert decision.margin == pytest.approx(0.1)


def test_two_speakers_that_fit_nearly_equally_well_are_ambiguous() -> None:
    close, clear = decide(0.56, 0.6, seconds=3.0), decide(0.5, 0.6, seconds=3.0)
    assert (close.outcome, close.reason) == (Outcome.AMBIGUOUS, Reason.SPEAKERS_TOO_CLOSE)
    assert [candidate.speaker for candidate in close.candidates] == ["speaker 1", "speaker 0"]
    assert clear.outcome is Outcome.ACCEPT


def test_two_speakers_that_fit_equally_badly_are_rejected() -> None:
    assert decide(0.1, 0.1, seconds=3.0).outcome is Outcome.REJECT


def test_only_the_best_candidates_are_named_best_first() -> None:
    decision = decide(0.1, 0.3, 0.2, 0.5, 0.4, 0.35, 0.05, seconds=3.0)
    scores = [candidate.score for candidate in decision.candidates]
    assert len(scores) == DEFAULT_CANDIDATES
    np.testing.assert_allclose(scores, [0.5, 0.4, 0.35, 0.3, 0.2], atol=1e-6)


def test_order_of_speakers_does_not_matter() -> None:
    twins = [speaker(name, embedding(1.0)) for name in ("b", "a", "c")]
    decisions = {Decider(order, CONFIG).decide(embedding(0.7), Evidence(speech=SECOND), 0, ended=True) for order in (twins, twins[::-1])}
    assert len(decisions) == 1
    assert [candidate.speaker for candidate in decisions.pop().candidates] == ["a", "b", "c"]


def test_embedding_needs_no_unit_length() -> None:
    decider = Decider(axes(2), CONFIG)
    scaled = decider.decide(embedding(0.6, 0.2) * np.float32(7.0), Evidence(speech=SECOND), 0, ended=True)
    assert scaled.candidates[0].score == pytest.approx(0.6)


def test_broken_embedding_decides_nothing() -> None:
    decision = Decider(axes(2), CONFIG).decide(np.full(192, np.nan, dtype=np.float32), Evidence(speech=5 * SECOND), 0, ended=True)
    assert decision.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_decision_names_as_many_as_asked_for(most: int) -> None:
    decider = Decider(axes(3), CONFIG, most)
    decision = decider.decide(embedding(0.6, 0.59, 0.1), Evidence(speech=5 * SECOND), 0, ended=True)
    assert len(decision.candidates) == most
    assert decision.outcome is Outcome.AMBIGUOUS
