from __future__ import annotations

import pytest

from clients.messages import Outcome, Reason
from clients.scenarios.report import Attempt, Check, Report

ATTEMPT = Attempt(1, 0.94, 2.5, Outcome.ACCEPT, Reason.LLR_ABOVE_BOUNDARY, "ada", True, 0.71, 5.25, 0.99, 0.5, 6.5, 1.04)
PASSED = Check("ACCEPT ada 0.00-9.00 s", passed=True, found="ACCEPT ada at 2.50 s")
FAILED = Check("never ACCEPT 1.00-3.00 s", passed=False, found="ACCEPT ada at 2.50 s")


def test_a_report_that_passed() -> None:
    report = Report("Door", "edge-1", 9.0, 0, (ATTEMPT,), (PASSED,))
    report.assert_passed()
    assert str(report) == ("Door: 1 checks passed\ndecided in 9.00 s, by edge-1:\n  ACCEPT ada at 2.50 s (speech since 0.94 s, LLR +5.2)")


def test_a_report_that_failed_says_what_came() -> None:
    report = Report("Door", "edge-1", 9.0, 0, (), (PASSED, FAILED))
    with pytest.raises(AssertionError) as caught:
        report.assert_passed()
    assert str(caught.value) == (
        "Door: 1 of 2 checks failed\n  never ACCEPT 1.00-3.00 s: ACCEPT ada at 2.50 s\ndecided in 9.00 s, by edge-1:\n  nothing"
    )
