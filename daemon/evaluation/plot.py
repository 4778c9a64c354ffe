"""Errors against seconds of speech, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from daemon.evaluation.report import Report

LOWEST: Final = 0.01
"""Lowest percentage that the axis shows."""


def save_plot(report: Report, path: Path) -> None:
    """Draw what has become of attempts after so much speech; write a picture of the kind that the path's suffix says."""
    figure = Figure(figsize=(7.0, 5.0), dpi=150, layout="constrained")
    axes = figure.add_subplot(xlabel="seconds of speech", ylabel="% of attempts", yscale="log")
    curve, setup = report.curve, report.setup
    for name, shares, colour, style in (
        ("non-target, accepted", curve.false_accepts, "tab:red", "-"),
        ("non-target, not yet rejected", curve.not_yet_rejected, "tab:red", ":"),
        ("target, rejected", curve.false_rejects, "tab:blue", "-"),
        ("target, not yet accepted", curve.not_yet_accepted, "tab:blue", ":"),
    ):
        axes.plot(curve.seconds, [max(100.0 * share, LOWEST / 2) for share in shares], style, color=colour, label=name)
    axes.axhline(100.0 * setup.far, color="tab:red", linewidth=0.8, dashes=(6, 4), label=f"target: {setup.far:.3%} false accepts")
    axes.axhline(100.0 * setup.frr, color="tab:blue", linewidth=0.8, dashes=(6, 4), label=f"target: {setup.frr:.3%} false rejects")
    axes.set(xlim=(0.0, setup.speech_seconds), ylim=(LOWEST, 110.0), title=setup.model_id)
    axes.grid(visible=True, which="both", linewidth=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path)
