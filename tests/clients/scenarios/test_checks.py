from __future__ import annotations

import pytest

from clients.messages import Outcome, Reason
from clients.scenarios import load_scenario
from clients.scenarios.checks import check
from clients.scenarios.layout import lay_out
from clients.scenarios.report import Attempt, Check
from tests.clients.scenarios.conftest import Write

STREAM = "enroll: {ada: [ramp.wav], bob: [ramp.wav]}\naudio: [{silence: 2}, {noise: 3, name: one}, {silence: 1}, {noise: 2, name: two}]\n"


def attempt(at: float, outcome: Outcome, speaker: str = "ada", *, known: bool = True, reason: Reason = Reason.UNSPECIFIED) -> Attempt:
    return Attempt(1, at - 1, at, outcome, reason, speaker, known, 0.7, 2.5, 0.92, -0.5, 4.0, 1.0)


def only(write: Write, rule: str, *attempts: Attempt) -> Check:
    scenario = load_scenario(write(STREAM + rule))
    (found,) = check(scenario, lay_out(scenario), attempts)
    return found


ACCEPTED = "expect: [{decide: ACCEPT, speaker: ada, during: one, by: 2}]"


@pytest.mark.parametrize("at", [2.0, 3.1, 4.0, 4.0005])
def test_what_is_expected_and_comes(write: Write, at: float) -> None:
    found = only(write, ACCEPTED, attempt(1.9, Outcome.REJECT), attempt(at, Outcome.ACCEPT))
    assert found == Check(
        "ACCEPT ada during one, 2.00-4.00 s", passed=True, found=f"ACCEPT ada at {at:.2f} s (speech since {at - 1:.2f} s, LLR +2.5)"
    )


@pytest.mark.parametrize(
    ("attempts", "found"),
    [
        ([], "nothing was decided then"),
        ([attempt(3, Outcome.REJECT)], "REJECT at 3.00 s (speech since 2.00 s, LLR +2.5)"),
        ([attempt(3, Outcome.ACCEPT, "bob")], "ACCEPT bob at 3.00 s (speech since 2.00 s, LLR +2.5)"),
        (
            [attempt(3, Outcome.ACCEPT, "ada", known=False)],
            "ACCEPT ada, whom the scenario did not enroll, at 3.00 s (speech since 2.00 s, LLR +2.5)",
        ),
        ([attempt(1.99, Outcome.ACCEPT)], "nothing was decided then"),
        (
            [attempt(4.01, Outcome.ACCEPT)],
            "nothing was decided then; too late: ACCEPT ada at 4.01 s (speech since 3.01 s, LLR +2.5)",
        ),
    ],
)
def test_what_is_expected_and_does_not_come(write: Write, attempts: list[Attempt], found: str) -> None:
    result = only(write, ACCEPTED, *attempts)
    assert (result.passed, result.found) == (False, found)


@pytest.mark.parametrize(
    ("rule", "outcome", "passed"),
    [
        ("{decide: ACCEPT}", Outcome.ACCEPT, False),
        ("{decide: ACCEPT}", Outcome.REJECT, True),
        ("{decide: ACCEPT, speaker: bob}", Outcome.ACCEPT, True),
        ("{decide: ANY}", Outcome.UNDECIDED, False),
        ("{decide: REJECT, from: 3.5}", Outcome.REJECT, True),
        ("{decide: REJECT, from: 2.5, to: 3}", Outcome.REJECT, False),
        ("{decide: REJECT, during: two}", Outcome.REJECT, True),
    ],
)
def test_what_must_not_come(write: Write, rule: str, outcome: Outcome, passed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert only(write, f"never: [{rule}]", attempt(3, outcome)).passed is passed


def test_a_rule_may_name_the_reason(write: Write) -> None:
    rule = "expect: [{decide: UNDECIDED, reason: NOT_A_VOICE, during: one}]"
    music, short = (attempt(3, Outcome.UNDECIDED, "", reason=reason) for reason in (Reason.NOT_A_VOICE, Reason.NOT_ENOUGH_SPEECH))
    assert only(write, rule, music) == Check(
        "UNDECIDED because of NOT_A_VOICE during one, 2.00-6.00 s",
        passed=True,
        found="UNDECIDED at 3.00 s (speech since 2.00 s, LLR +2.5)",
    )
    assert not only(write, rule, short).passed


def test_a_speaker_of_the_same_name_that_the_daemon_knew_before_is_another(write: Write) -> None:
    rule = "never: [{decide: ACCEPT, speaker: ada}]"
    assert only(write, rule, attempt(3, Outcome.ACCEPT, "ada", known=False)).passed
    assert not only(write, rule, attempt(3, Outcome.ACCEPT, "ada")).passed
    assert not only(write, "never: [{decide: ACCEPT}]", attempt(3, Outcome.ACCEPT, "ada", known=False)).passed


def test_rules_in_words(write: Write) -> None:
    scenario = load_scenario(write(STREAM + "expect: [{decide: REJECT, during: two}]\nnever: [{decide: ANY, to: 2}]"))
    rules = [found.rule for found in check(scenario, lay_out(scenario), [])]
    assert rules == ["REJECT during two, 6.00-8.00 s", "never any decision 0.00-2.00 s"]
