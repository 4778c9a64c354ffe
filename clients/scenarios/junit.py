"""Reports as JUnit XML, which every continuous integration shows: a suite for each scenario, a case for each of its rules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from clients.errors import ClientError
from clients.scenarios.report import Check, Report


def write_junit(path: Path, reports: Iterable[Report], failed: tuple[str, ClientError] | None = None) -> None:
    """Write reports. failed: the title of a scenario that could not be played, and why. Raises `OSError`."""
    document = JUnitXml(name="speakerctl replay")
    for report in reports:
        document.add_testsuite(_suite(report))
    if failed is not None:
        document.add_testsuite(_not_played(*failed))
    document.update_statistics()  # type: ignore[no-untyped-call]
    with path.open("wb") as file:
        document.write(file, pretty=True)


def _suite(report: Report) -> TestSuite:
    suite = TestSuite(report.title)
    suite.add_property("model_id", report.model_id)
    suite.add_property("audio_seconds", f"{report.seconds:.3f}")
    suite.add_testcases([_case(report, check) for check in report.checks])
    return suite


def _case(report: Report, check: Check) -> TestCase:
    case = TestCase(check.rule, classname=report.title)
    if check.passed:
        case.system_out = check.found
    else:
        failure = Failure(check.found, "expectation")
        failure.text = str(report)
        case.result = [failure]
    return case


def _not_played(title: str, error: ClientError) -> TestSuite:
    case = TestCase("is played", classname=title)
    case.result = [Error(str(error), error.reason)]
    suite = TestSuite(title)
    suite.add_testcase(case)
    return suite
