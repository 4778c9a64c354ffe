from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from clients.errors import EnrollmentRefusedError
from clients.scenarios.junit import write_junit
from clients.scenarios.report import Report
from tests.clients.scenarios.test_report import ATTEMPT, FAILED, PASSED


def test_a_suite_for_each_scenario_and_a_case_for_each_rule(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    write_junit(path, [Report('Door <"&ä>', "edge-1", 9.0, 0, (ATTEMPT,), (PASSED, FAILED)), Report("Hall", "edge-1", 1.0, 0, (), ())])
    root = ET.parse(path).getroot()  # noqa: S314 - we wrote it
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "2", "1", "0")
    door, hall = root.findall("testsuite")
    assert (door.get("name"), door.get("tests"), hall.get("name"), hall.get("tests")) == ('Door <"&ä>', "2", "Hall", "0")
    assert {item.get("name"): item.get("value") for item in door.iter("property")} == {"model_id": "edge-1", "audio_seconds": "9.000"}
    passed, failed = door.findall("testcase")
    assert (passed.get("name"), passed.get("classname"), passed.find("failure")) == (PASSED.rule, 'Door <"&ä>', None)
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == FAILED.found
    assert "1 of 2 checks failed" in (failure.text or "")


def test_a_scenario_that_could_not_be_played_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    write_junit(path, [], ("Door", EnrollmentRefusedError("too little speech", reason="NOT_ENOUGH_SPEECH")))
    root = ET.parse(path).getroot()  # noqa: S314 - we wrote it
    error = root.find("testsuite/testcase/error")
    assert root.get("errors") == "1"
    assert error is not None
    assert (error.get("type"), error.get("message")) == ("NOT_ENOUGH_SPEECH", "too little speech")
