"""What is measured as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from rich.box import SIMPLE
from rich.table import Table

from models.evaluate.figures import Figures
from models.evaluate.measure import Measured

PICTURES: Final = (".png", ".svg", ".pdf")
"""How the names of plots may end."""


def as_json(measured: Measured) -> dict[str, object]:
    """Return the figures of an embedding under their names."""
    report = measured.report
    by = {kind: {name: asdict(figures) for name, figures in named.items()} for kind, named in report.by.items()}
    return asdict(report.figures) | {"parameters": measured.parameters, "failures": report.failures, "by": by}


def overview(results: Mapping[str, Measured]) -> Table:
    """Return the table of all trials, one embedding per line."""
    figures = [measured.report.figures for measured in results.values()]
    notes = [f"{figures[0].n_target:,} target and {figures[0].n_nontarget:,} non-target trials"]
    notes += [f"too few trials: {', '.join(figures[0].left_out)}"] if figures[0].left_out else []
    notes += [f"{name}: {one.report.failures} recordings without embedding" for name, one in results.items() if one.report.failures]
    table = _table("embedding", "all trials", notes)
    for heading in ("parameters", "EER %", "95 %", "pooled", "minDCF", ".001", "actDCF", "Cllr"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, measured in results.items():
        table.add_row(name, _short(measured.parameters), *_cells(measured.report.figures))
    return table


def comparison(results: Mapping[str, Measured]) -> Table:
    """Return the table of figures as multiples of those of the first embedding: what a teacher's student costs, or a smaller form."""
    first, *others = results
    table = _table("embedding", f"all trials, as multiples of {first}", [])
    for heading in ("parameters", "EER", "pooled", "minDCF", ".001", "actDCF", "Cllr"):
        table.add_column(heading, justify="right")
    origin = _compared(results[first])
    for name in others:
        table.add_row(name, *map(_multiple, _compared(results[name]), origin))
    return table


def by_group(results: Mapping[str, Measured]) -> Table:
    """Return the table of equal error rates by group and condition, one embedding per column."""
    table = _table("trials", "EER % (95 %) by group and condition", [])
    for heading in (*results, "target", "non-target"):
        table.add_column(heading, justify="right")
    reports = [measured.report for measured in results.values()]
    for kind, named in reports[0].by.items():
        for group, first in named.items():
            rates = [_rate(report.by[kind][group]) for report in reports]
            table.add_row(f"{kind} {group}", *rates, f"{first.n_target:,}", f"{first.n_nontarget:,}")
    return table


def _table(first: str, title: str, notes: list[str]) -> Table:
    # As narrow as it gets, for the figures to fit into 80 columns.
    return Table(
        first, title=title, title_justify="left", caption="; ".join(notes), caption_justify="left", box=SIMPLE, pad_edge=False, padding=0
    )


def _cells(figures: Figures) -> tuple[str, ...]:
    interval = "{:.1f}-{:.1f}".format(*figures.eer_interval)
    costs = (figures.min_dcf, figures.min_dcf_001, figures.act_dcf, figures.cllr)
    return (f"{figures.eer:.2f}", interval, f"{figures.eer_pooled:.2f}", *("-" if cost is None else f"{cost:.3f}" for cost in costs))


def _compared(measured: Measured) -> tuple[float | None, ...]:
    figures = measured.report.figures
    costs = (figures.min_dcf, figures.min_dcf_001, figures.act_dcf, figures.cllr)
    return (measured.parameters, figures.eer, figures.eer_pooled, *costs)


def _multiple(value: float | None, origin: float | None) -> str:
    return f"{value / origin:.3f}" if value is not None and origin else "-"


def _rate(figures: Figures) -> str:
    return "{:.2f} ({:.1f}-{:.1f})".format(figures.eer, *figures.eer_interval)


def _short(parameters: int) -> str:
    return f"{parameters / 1e6:.2f} M" if parameters else "-"
