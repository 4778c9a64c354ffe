from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from daemon.evaluation.changes import Changes
from daemon.evaluation.figures import Curve, Identification, Times, Verification
from daemon.evaluation.intervals import EXACT, Rate, frequency
from daemon.evaluation.output import as_tables
from daemon.evaluation.report import Enrollments, Report, Setup, as_json, keeps
from daemon.evaluation.watching import Alarms

FEW = Rate(2, 100, 0.02, (0.01, 0.07), EXACT)
NONE = Rate(0, 0, None, None, EXACT)


def verification(far: Rate = FEW) -> Verification:
    times = Times(1.25, 2.5, 90)
    return Verification(far, FEW, FEW, FEW, FEW, FEW, FEW, times, Times(None, None, 0), 100, 400)


REPORT = Report(
    Setup("edge-1", 0.01, 0.05, 8.0, None, 0),
    Enrollments(9, {"VOICES_DIFFER": 1}, 2),
    verification(),
    Identification(FEW, FEW, FEW, FEW, FEW, FEW, FEW, FEW, FEW, 9.0, 100, 110),
    {"a": verification(), "b": verification(NONE)},
    ("lonely",),
    {"target": {"LLR_ABOVE_BOUNDARY": 90}, "nontarget": {"LLR_BELOW_BOUNDARY": 400}},
    Curve((0.25,), (0.0,), (0.0,), (1.0,), (1.0,)),
)


def printed(report: Report) -> str:
    console = Console(width=110)
    with console.capture() as captured:
        console.print(as_tables(report), highlight=False)
    return captured.get()


def row(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if line.strip().startswith(name)).split()


@pytest.mark.parametrize(
    ("rate", "kept"),
    [(FEW, True), (Rate(5, 100, 0.05, (0.02, 0.1), EXACT), False), (Rate(0, 100, 0.0, (0.0, 0.004), EXACT), True), (NONE, None)],
)
def test_a_target_is_kept_unless_the_whole_interval_is_above(rate: Rate, kept: bool | None) -> None:  # noqa: FBT001 - pytest passes it by name
    assert keeps(rate, 0.01) is kept


def test_rates_stand_beside_their_targets() -> None:
    text = printed(REPORT)
    assert row(text, "false accepts")[2:] == ["2.00", "1.00-7.00", "1", "kept", "2", "Clopper-Pearson"]
    assert row(text, "accept (target)")[2:] == ["1.25", "2.50", "90"]
    assert row(text, "reject (non-target)")[2:] == ["-", "-", "0"]
    assert "missed" in row(printed(replace(REPORT, setup=replace(REPORT.setup, far=0.001))), "false accepts")


def test_what_is_wrong_with_the_material_is_said() -> None:
    text = printed(REPORT)
    assert "9 voices enrolled with edge-1" in text
    assert "refused 1 of them: VOICES_DIFFER" in text
    assert "2 could not be enrolled" in text
    assert "nobody to enroll: lonely" in text
    assert row(text, "b ")[1:3] == ["-", "(-)"]


def test_noise_and_changes_are_told_if_they_were_measured() -> None:
    assert "false alarms" not in printed(REPORT)
    noise = {"all": Alarms(7, frequency(1, 2.0))}
    changes = Changes(30, 29, 28, Times(1.5, None, 29), frequency(0, 0.5))
    text = printed(replace(REPORT, noise=noise, changes=changes))
    assert row(text, "all")[1:5] == ["2.00", "7", "1", "0.50"]
    assert row(text, "another")[1:6] == ["30", "29", "28", "1.50", "-"]


def test_json_tells_the_same() -> None:
    figures = as_json(REPORT)
    assert figures["far"] == {
        "count": 2, "total": 100, "rate": 0.02, "interval": (0.01, 0.07), "method": EXACT, "target": 0.01, "keeps_target": True
    }  # fmt: skip
    assert figures["seconds_to_accept"] == {"median": 1.25, "p90": 2.5, "n": 90}
    assert (figures["n_target"], figures["n_nontarget"]) == (100, 400)
    assert (figures["noise"], figures["changes"]) == (None, None)
