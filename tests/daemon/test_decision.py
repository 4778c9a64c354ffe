from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from daemon.config import DecisionConfig
from daemon.decision import DEFAULT_CANDIDATES, Decider, boundaries, posterior
from daemon.events import Decision, Evidence, Outcome, Reason
from daemon.speakers import Speaker, Template
from models.calibration.leeway import Leeway
from models.calibration.score import ScoreModel
from models.encoder import Embedding
from tests.fakes import ENROLLED, fake_calibration

CONFIG = DecisionConfig(false_accept_rate=0.01, false_reject_rate=0.05, min_speech_seconds=0.5, ambiguous_llr=1.0, min_voice=0.5)
CALIBRATION = fake_calibration(accept=0.5, reject=0.3)
"""A log-likelihood ratio is ten times as far from 0 as the cosine from 0.4."""
SECOND = 16_000


def heard(seconds: float, voice: float = 1.0) -> Evidence:
    return Evidence(round(seconds * SECOND), 20.0, 0.0, 8000.0, voice)


def speaker(name: str, voiceprint: Embedding, *, recordings: int = 1, seconds: float = 4.0) -> Speaker:
    return Speaker(name, (Template(voiceprint, "fake-1", heard(seconds)),) * recordings, ENROLLED, ENROLLED)


def axes(count: int) -> list[Speaker]:
    """Speakers whose voiceprints are the unit vectors, so that an embedding lists its own scores."""
    return [speaker(f"speaker {index}", row) for index, row in enumerate(np.eye(192, dtype=np.float32)[:count])]


def embedding(*scores: float) -> Embedding:
    """Return a unit vector with these first coordinates."""
    rest = np.sqrt(1.0 - np.sum(np.square(scores)))
    return np.array([*scores, *np.zeros(191 - len(scores)), rest], dtype=np.float32)


def decide(*scores: float, seconds: float = 3.0, voice: float = 1.0, ended: Reason | None = None) -> Decision:
    decider = Decider(axes(max(1, len(scores))), CONFIG, CALIBRATION)
    return decider.decide(embedding(*scores) if scores else None, heard(seconds, voice), 99, ended=ended)


@pytest.mark.parametrize(
    ("score", "seconds", "outcome", "reason"),
    [
        (0.6, 0.4, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.6, 0.5, Outcome.ACCEPT, Reason.LLR_ABOVE_BOUNDARY),
        (0.4, 0.4, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.4, 9.0, Outcome.UNDECIDED, Reason.LLR_BETWEEN_BOUNDARIES),
        (0.2, 0.4, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.2, 0.5, Outcome.REJECT, Reason.LLR_BELOW_BOUNDARY),
    ],
)
def test_while_more_may_follow(score: float, seconds: float, outcome: Outcome, reason: Reason) -> None:
    decision = decide(score, seconds=seconds)
    assert (decision.outcome, decision.reason, decision.final) == (outcome, reason, False)


@pytest.mark.parametrize(
    ("snr", "bandwidth", "leeway"), [(30.0, 8000.0, 0.0), (15.0, 8000.0, 1.0), (30.0, 3400.0, 2.0), (0.0, 3400.0, 4.0)]
)
def test_a_rejection_takes_more_where_the_speech_is_bad(snr: float, bandwidth: float, leeway: float) -> None:
    calibration = replace(CALIBRATION, boundaries=replace(CALIBRATION.boundaries, leeway=Leeway(2.0, 2.0)))
    decider = Decider(axes(1), CONFIG, calibration)
    reject = boundaries(CONFIG, calibration, 1).reject
    evidence = Evidence(3 * SECOND, snr, 0.0, bandwidth, 1.0)
    for beyond, outcome in ((0.1, Outcome.REJECT), (-0.1, Outcome.UNDECIDED)):
        decision = decider.decide(embedding(0.4 + (reject - leeway - beyond) / 10.0), evidence, 99)
        assert decision.outcome is outcome
        assert decision.margin_reject == pytest.approx(-beyond, abs=1e-4)
        assert decision.margin_accept == pytest.approx(decision.llr - boundaries(CONFIG, calibration, 1).accept, abs=1e-4)


@pytest.mark.parametrize("why", [Reason.AUDIO_ENDED, Reason.SPEECH_BUDGET_SPENT, Reason.SPEECH_PAUSED])
@pytest.mark.parametrize(
    ("score", "seconds", "outcome", "reason"),
    [
        (0.6, 0.4, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.6, 0.5, Outcome.ACCEPT, Reason.LLR_ABOVE_BOUNDARY),
        (0.4, 0.5, Outcome.UNDECIDED, None),
        (0.2, 0.4, Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH),
        (0.2, 0.5, Outcome.REJECT, Reason.LLR_BELOW_BOUNDARY),
    ],
)
def test_what_is_between_the_boundaries_at_the_end_is_undecided_because_of_the_end(
    score: float, seconds: float, outcome: Outcome, reason: Reason | None, why: Reason
) -> None:
    decision = decide(score, seconds=seconds, ended=why)
    assert (decision.outcome, decision.reason, decision.final) == (outcome, reason or why, True)


@pytest.mark.parametrize("ended", [None, Reason.AUDIO_ENDED])
def test_no_speech(ended: Reason | None) -> None:
    decision = decide(seconds=0.0, ended=ended)
    assert (decision.outcome, decision.reason) == (Outcome.UNDECIDED, Reason.NO_SPEECH)
    assert (decision.candidates, decision.llr, decision.margin_accept, decision.margin_reject) == ((), 0.0, 0.0, 0.0)
    assert decision.posterior == CONFIG.prior


def test_speech_without_an_embedding_is_not_enough() -> None:
    assert decide(seconds=5.0, ended=Reason.AUDIO_ENDED).reason is Reason.NOT_ENOUGH_SPEECH


@pytest.mark.parametrize("score", [0.99, 0.4, -0.5])
@pytest.mark.parametrize("ended", [None, Reason.AUDIO_ENDED])
def test_what_is_no_voice_is_nobody(score: float, ended: Reason | None) -> None:
    decision = decide(score, voice=0.4, ended=ended)
    assert (decision.outcome, decision.reason, decision.candidates) == (Outcome.UNDECIDED, Reason.NOT_A_VOICE, ())
    assert decide(score, voice=0.5, ended=ended).candidates


def test_a_cough_is_no_voice_rather_than_too_little_of_one() -> None:
    assert decide(0.9, seconds=0.3, voice=0.1).reason is Reason.NOT_A_VOICE


@pytest.mark.parametrize("speech", [0.0, 5.0])
@pytest.mark.parametrize("ended", [None, Reason.AUDIO_ENDED])
def test_nothing_is_decided_among_nobody(speech: float, ended: Reason | None) -> None:
    decision = Decider([], CONFIG, CALIBRATION).decide(embedding(1.0), heard(speech), 0, ended=ended)
    assert (decision.outcome, decision.reason, decision.final) == (Outcome.UNDECIDED, Reason.NO_SPEAKERS_ENROLLED, ended is not None)
    assert decision.candidates == ()


def test_evidence_is_told_when_undecided() -> None:
    decision = decide(0.6, seconds=0.1)
    assert decision.outcome is Outcome.UNDECIDED
    assert decision.candidates[0].score == pytest.approx(0.6)
    assert decision.llr == pytest.approx(2.0)
    assert decision.candidates[0].llr == decision.llr
    assert decision.margin_accept == pytest.approx(1.0)
    assert decision.margin_reject == pytest.approx(3.0)
    assert decision.posterior == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_a_stricter_rate_needs_more_evidence() -> None:
    lenient, strict = (boundaries(CONFIG.model_copy(update={"false_accept_rate": rate}), CALIBRATION, 1) for rate in (0.1, 0.001))
    assert strict.accept > lenient.accept
    patient = boundaries(CONFIG.model_copy(update={"false_reject_rate": 0.001}), CALIBRATION, 1)
    assert patient.reject < lenient.reject


def test_a_decider_can_keep_another_rate_from_now_on() -> None:
    strict = Decider(axes(3), CONFIG.model_copy(update={"false_accept_rate": 0.001}), CALIBRATION)
    decider = Decider(axes(3), CONFIG, CALIBRATION)
    before = decider.decide(embedding(0.505), heard(3.0), 9)
    decider.keep(0.001)
    assert decider.decide(embedding(0.505), heard(3.0), 9) == strict.decide(embedding(0.505), heard(3.0), 9) != before
    decider.keep(CONFIG.false_accept_rate)
    assert decider.decide(embedding(0.505), heard(3.0), 9) == before


def test_many_voices_need_more_evidence_than_one() -> None:
    needed = [boundaries(CONFIG, CALIBRATION, count).accept for count in (0, 1, 2, 10, 1000)]
    assert needed[0] == needed[1]
    assert sorted(set(needed)) == needed[1:]
    alone = decide(0.505)
    among = Decider(axes(100), CONFIG, CALIBRATION).decide(embedding(0.505), heard(3.0), 0)
    assert alone.candidates[0].score == among.candidates[0].score
    assert (alone.outcome, among.outcome) == (Outcome.ACCEPT, Outcome.UNDECIDED)


def test_two_speakers_that_explain_a_voice_nearly_as_well_are_ambiguous() -> None:
    close, clear = decide(0.56, 0.6), decide(0.45, 0.6)
    assert (close.outcome, close.reason, close.final) == (Outcome.AMBIGUOUS, Reason.SPEAKERS_TOO_CLOSE, False)
    assert [candidate.speaker for candidate in close.candidates] == ["speaker 1", "speaker 0"]
    assert clear.outcome is Outcome.ACCEPT


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_decision_names_as_many_as_asked_for_but_both_that_are_ambiguous(most: int) -> None:
    decider = Decider(axes(3), CONFIG, CALIBRATION, most)
    ambiguous, accepted = (decider.decide(embedding(*scores), heard(5.0), 0) for scores in ((0.6, 0.59, 0.1), (0.6, 0.3, 0.1)))
    assert (ambiguous.outcome, len(ambiguous.candidates)) == (Outcome.AMBIGUOUS, max(most, 2))
    assert (accepted.outcome, len(accepted.candidates)) == (Outcome.ACCEPT, most)


def test_two_speakers_that_fit_equally_badly_are_rejected() -> None:
    assert decide(0.1, 0.1).outcome is Outcome.REJECT


def test_nobody_is_rejected_while_one_of_them_is_possible() -> None:
    assert decide(0.1, 0.4, 0.1).outcome is Outcome.UNDECIDED


def test_only_the_best_candidates_are_named_best_first() -> None:
    decision = decide(0.1, 0.3, 0.2, 0.5, 0.4, 0.35, 0.05)
    scores = [candidate.score for candidate in decision.candidates]
    assert len(scores) == DEFAULT_CANDIDATES
    np.testing.assert_allclose(scores, [0.5, 0.4, 0.35, 0.3, 0.2], atol=1e-6)


def test_the_order_is_that_of_the_evidence_which_knows_how_well_a_voice_was_enrolled() -> None:
    # One recording, the sixth feature is the reciprocal of their number, is worth less than ten.
    offset = CALIBRATION.model.offset - 5.0 * np.eye(6)[5]
    calibration = replace(CALIBRATION, model=ScoreModel(CALIBRATION.model.slope, offset))
    rows = np.eye(192, dtype=np.float32)
    speakers = [speaker("brief", rows[0]), speaker("thorough", rows[1], recordings=10)]
    decision = Decider(speakers, CONFIG, calibration).decide(embedding(0.6, 0.55), heard(3.0), 0)
    assert [(candidate.speaker, round(candidate.score, 2)) for candidate in decision.candidates] == [("thorough", 0.55), ("brief", 0.6)]


def test_order_of_speakers_does_not_matter() -> None:
    twins = [speaker(name, embedding(1.0)) for name in ("b", "a", "c")]
    decisions = {Decider(order, CONFIG, CALIBRATION).decide(embedding(0.7), heard(1.0), 0) for order in (twins, twins[::-1])}
    assert len(decisions) == 1
    assert [candidate.speaker for candidate in decisions.pop().candidates] == ["a", "b", "c"]


def test_embedding_needs_no_unit_length() -> None:
    scaled = Decider(axes(2), CONFIG, CALIBRATION).decide(embedding(0.6, 0.2) * np.float32(7.0), heard(1.0), 0)
    assert scaled.candidates[0].score == pytest.approx(0.6)


def test_broken_embedding_decides_nothing() -> None:
    broken = np.full(192, np.nan, dtype=np.float32)
    decision = Decider(axes(2), CONFIG, CALIBRATION).decide(broken, heard(5.0), 0, ended=Reason.AUDIO_ENDED)
    assert decision.outcome is Outcome.UNDECIDED


def growing(budget: float) -> Decider:
    """Return a decider for which the same score is worth more with more speech: the second feature is the logarithm of its seconds."""
    model = ScoreModel(CALIBRATION.model.slope, CALIBRATION.model.offset + np.eye(6)[1])
    return Decider(axes(1), CONFIG, replace(CALIBRATION, model=model), budget=budget)


def test_the_further_speech_that_is_needed_is_told_while_it_is_expected_to_be_enough() -> None:
    # 1 is needed, 0.5 + log(seconds) is there.
    decision = growing(8.0).decide(embedding(0.45), heard(1.0), 0)
    assert decision.outcome is Outcome.UNDECIDED
    assert decision.expected_seconds is not None
    assert 1.0 + decision.expected_seconds == pytest.approx(np.exp(0.5), abs=0.08)
    after = growing(8.0).decide(embedding(0.45), heard(1.0 + decision.expected_seconds), 0)
    assert (after.outcome, after.expected_seconds) == (Outcome.ACCEPT, None)


def test_no_further_speech_is_told_where_none_within_the_attempt_would_do() -> None:
    assert growing(1.2).decide(embedding(0.45), heard(1.0), 0).expected_seconds is None
    assert growing(8.0).decide(embedding(0.45), heard(1.0), 0, ended=Reason.AUDIO_ENDED).expected_seconds is None


def test_what_would_be_decided_but_for_too_little_speech_needs_the_rest_of_it() -> None:
    assert decide(0.9, seconds=0.2).expected_seconds == pytest.approx(0.3)


def test_the_posterior_shares_the_prior_among_those_asked_for() -> None:
    ratios = np.log([8.0, 2.0])
    assert posterior(ratios, 0, 0.5) == pytest.approx(0.25 * 8 / (0.25 * 8 + 0.25 * 2 + 0.5))
    assert posterior(ratios[:1], 0, 0.1) == pytest.approx(0.1 * 8 / (0.1 * 8 + 0.9))
    assert posterior(np.array([-900.0, 900.0]), 0, 0.5) == 0.0
