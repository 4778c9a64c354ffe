"""Whether what was decided is what a scenario demands. Only final decisions count: only they may open anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from clients.scenarios.report import Attempt, Check
from clients.scenarios.scenario import Expect, Never, Scenario
from clients.scenarios.timeline import Timeline

_TOLERANCE: Final = 0.001
"""Seconds: the daemon counts samples at a rate of its own."""


def check(scenario: Scenario, timeline: Timeline, attempts: Sequence[Attempt]) -> Iterator[Check]:
    """Yield what comes of each rule, in the order of the file."""
    for expected in scenario.expect:
        window = timeline.window(expected.during, expected.start, expected.end)
        yield _expected(f"{_words(expected)} {_time(expected, window)}", expected, window, attempts)
    for forbidden in scenario.never:
        window = timeline.window(forbidden.during, forbidden.start, forbidden.end)
        yield _never(f"never {_words(forbidden)} {_time(forbidden, window)}", forbidden, window, attempts)


def _expected(rule: str, expect: Expect, window: tuple[float, float], attempts: Sequence[Attempt]) -> Check:
    fitting = [attempt for attempt in attempts if _fits(expect, attempt)]
    if met := next((attempt for attempt in fitting if _lies_in(attempt, window)), None):
        return Check(rule, passed=True, found=str(met))
    late = next((attempt for attempt in fitting if attempt.at > window[1]), None)
    instead = [str(attempt) for attempt in attempts if _lies_in(attempt, window)]
    found = f"{', '.join(instead) or 'nothing was decided then'}"
    return Check(rule, passed=False, found=f"{found}; too late: {late}" if late else found)


def _never(rule: str, never: Never, window: tuple[float, float], attempts: Sequence[Attempt]) -> Check:
    found = [str(attempt) for attempt in attempts if _fits(never, attempt) and _lies_in(attempt, window)]
    return Check(rule, passed=not found, found=", ".join(found) or "nothing of the kind")


def _fits(rule: Expect | Never, attempt: Attempt) -> bool:
    if rule.speaker is not None and not (attempt.known and attempt.speaker == rule.speaker):
        return False
    if rule.reason not in (None, attempt.reason):
        return False
    return rule.decide in ("ANY", attempt.outcome.value)


def _lies_in(attempt: Attempt, window: tuple[float, float]) -> bool:
    start, end = window
    return start - _TOLERANCE <= attempt.at <= end + _TOLERANCE


def _words(rule: Expect | Never) -> str:
    decision = "any decision" if rule.decide == "ANY" else rule.decide
    who = f" {rule.speaker}" if rule.speaker is not None else ""
    why = f" because of {rule.reason.value}" if rule.reason is not None else ""
    return f"{decision}{who}{why}"


def _time(rule: Expect | Never, window: tuple[float, float]) -> str:
    during = f"during {rule.during}, " if rule.during else ""
    return f"{during}{window[0]:.2f}-{window[1]:.2f} s"
