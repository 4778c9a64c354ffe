"""What people see of a scenario: its parts, and what came of its rules."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clients.scenarios.report import Check, Report
from clients.scenarios.timeline import Timeline


def report_table(report: Report) -> RenderableType:
    """Return what came of each rule, and the sum of it."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", "rule", "what came"):
        table.add_column(name, overflow="fold")
    for check in report.checks:
        table.add_row(_mark(check), Text(check.rule), Text(check.found))
    return Group(table, _sum(report)) if report.checks else _sum(report)


def timeline_table(timeline: Timeline) -> RenderableType:
    """Return when each part begins and ends."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("from", justify="right")
    table.add_column("to", justify="right")
    table.add_column("part", overflow="fold")
    for span in timeline.spans:
        table.add_row(f"{span.start:.2f}", f"{span.end:.2f}", Text(span.label))
    return table


def _mark(check: Check) -> Text:
    return Text("passed", "green") if check.passed else Text("FAILED", "bold red")


def _sum(report: Report) -> Text:
    failed = sum(not check.passed for check in report.checks)
    verdict = (
        (f"{failed} of {len(report.checks)} failed", "bold red")
        if failed
        else (f"{len(report.checks)} of {len(report.checks)} passed", "green")
    )
    if not report.checks:
        verdict = ("nothing is checked: the scenario has neither `expect` nor `never`", "yellow")
    others = f"; {report.others} other speakers are enrolled there and took part" if report.others else ""
    return Text.assemble(f"{report.title}: ", verdict, f" ({report.seconds:.2f} s of audio, {report.model_id}{others})")
