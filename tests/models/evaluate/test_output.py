from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from models.evaluate.figures import Figures, Report
from models.evaluate.measure import Measured
from models.evaluate.metrics import error_rates
from models.evaluate.output import as_json, by_group, comparison, overview

FIGURES = Figures(1.234, (0.71, 2.49), 1.5, 0.1234, 0.2345, 0.1357, 0.0468, 806, 49142, ("tiny",))
RATES = error_rates(np.array([1.0]), np.array([0.0]))
RESULTS = {
    "edge": Measured(620_000, Report(FIGURES, 2, {"noise": {"5": replace(FIGURES, eer=4.5)}}, RATES)),
    "teacher": Measured(6_850_000, Report(replace(FIGURES, act_dcf=None, cllr=None), 0, {"noise": {"5": FIGURES}}, RATES)),
}


def printed(table: Table) -> list[str]:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(table)
    return [line.strip() for line in capture.get().splitlines() if line.strip()]


def test_embeddings_stand_side_by_side_within_80_columns() -> None:
    lines = printed(overview(RESULTS))
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["edge"] == ["0.62", "M", "1.23", "0.7-2.5", "1.50", "0.123", "0.234", "0.136", "0.047"]
    assert rows["teacher"] == ["6.85", "M", "1.23", "0.7-2.5", "1.50", "0.123", "0.234", "-", "-"]
    notes = " ".join(lines)
    assert "806 target and 49,142 non-target trials" in notes
    assert "too few trials: tiny" in notes
    assert "edge: 2 recordings without embedding" in notes
    assert "teacher: 0" not in notes


def test_figures_are_compared_with_those_of_the_first_embedding() -> None:
    half = Measured(310_000, Report(replace(FIGURES, eer=0.617, cllr=None), 0, {}, RATES))
    lines = printed(comparison({**RESULTS, "half": half}))
    assert lines[0] == "all trials, as multiples of edge"
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["half"] == ["0.500", "0.500", "1.000", "1.000", "1.000", "1.000", "-"]
    assert rows["teacher"] == ["11.048", "1.000", "1.000", "1.000", "1.000", "-", "-"]


def test_what_the_first_embedding_does_without_errors_has_no_multiples() -> None:
    perfect = Measured(0, Report(replace(FIGURES, eer=0.0), 0, {}, RATES))
    row = printed(comparison({"perfect": perfect, "edge": RESULTS["edge"]}))[-1]
    assert row.split() == ["edge", "-", "-", "1.000", "1.000", "1.000", "1.000", "1.000"]


def test_each_condition_is_a_line_with_all_embeddings() -> None:
    row = next(line for line in printed(by_group(RESULTS)) if line.startswith("noise 5"))
    assert row.split()[2:] == ["4.50", "(0.7-2.5)", "1.23", "(0.7-2.5)", "806", "49,142"]


@pytest.mark.parametrize("name", ["edge", "teacher"])
def test_json_has_every_figure_under_its_name(name: str) -> None:
    written = json.loads(json.dumps(as_json(RESULTS[name])))
    report = RESULTS[name].report
    assert written["parameters"] == RESULTS[name].parameters
    assert written["failures"] == report.failures
    for figures, expected in ((written, report.figures), (written["by"]["noise"]["5"], report.by["noise"]["5"])):
        assert figures["eer"] == expected.eer
        assert figures["eer_pooled"] == expected.eer_pooled
        assert figures["min_dcf"] == expected.min_dcf
        assert figures["min_dcf_001"] == expected.min_dcf_001
        assert figures["act_dcf"] == expected.act_dcf
        assert figures["cllr"] == expected.cllr
        assert figures["n_target"] == expected.n_target
        assert figures["n_nontarget"] == expected.n_nontarget
    assert "rates" not in written
