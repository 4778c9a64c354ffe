"""`python -m models.evaluate`: how well embeddings tell speakers apart on recordings of one's own."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.evaluate.embeddings import EmbeddingError, embed_files, load_embedding, stack
from models.evaluate.figures import Figures, Report, TooFewTrialsError, evaluate
from models.manifest import ManifestError, Recording, read_manifest

_progress = Console(stderr=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the embeddings that the command line names; print tables and write the figures as JSON."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        recordings = read_manifest(options.manifest, options.root)
        results = {name: _measure(name, recordings, options.jobs) for name in options.embedding}
    except (EmbeddingError, ManifestError, TooFewTrialsError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    for name, result in results.items():
        Console().print(_table(name, *result))
    if options.json:
        figures = {name: _as_json(*result) for name, result in results.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m models.evaluate",
        description="Measure how well embeddings tell speakers apart. Within each corpus of the manifest, speakers with four "
        "recordings or more are enrolled with their first three; all other recordings are verified against all of them.",
    )
    parser.add_argument("--manifest", type=Path, required=True, help="list of recordings: tab-separated, with a header line")
    parser.add_argument("--root", type=Path, required=True, help="directory that the manifest's paths are relative to")
    parser.add_argument("--embedding", nargs="+", action="extend", required=True, metavar="NAME", help="what to measure, by name")
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that compute embeddings (%(default)s)")
    return parser


def _measure(name: str, recordings: Sequence[Recording], jobs: int) -> tuple[int, Report]:
    """Return the embedding's size in parameters and its report."""
    parameters = load_embedding(name).parameters
    embedded = embed_files(name, [recording.path for recording in recordings], jobs)
    progress = track(embedded, description=name, total=len(recordings), console=_progress)
    return parameters, evaluate(recordings, stack(list(progress)))


def _as_json(parameters: int, report: Report) -> dict[str, object]:
    by = {kind: {name: asdict(figures) for name, figures in named.items()} for kind, named in report.by.items()}
    return asdict(report.figures) | {"parameters": parameters, "failures": report.failures, "by": by}


def _table(name: str, parameters: int, report: Report) -> Table:
    notes = [f"{parameters:,} parameters", f"recordings without embedding: {report.failures}"]
    if report.figures.left_out:
        notes.append(f"too few trials: {', '.join(report.figures.left_out)}")
    # As narrow as it gets, for the names of corpora to fit into 80 columns.
    table = Table("trials", title=name, title_justify="left", caption="; ".join(notes), caption_justify="left", box=SIMPLE, pad_edge=False)
    for heading in ("EER %", "95 %", "pooled", "minDCF", "target", "non-target"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("all", *_cells(report.figures))
    for kind, named in report.by.items():
        for group, figures in named.items():
            table.add_row(f"{kind} {group}", *_cells(figures))
    return table


def _cells(figures: Figures) -> tuple[str, ...]:
    interval = "{:.1f} - {:.1f}".format(*figures.eer_interval)
    rates = (f"{figures.eer:.2f}", interval, f"{figures.eer_pooled:.2f}", f"{figures.min_dcf:.3f}")
    return (*rates, f"{figures.n_target:,}", f"{figures.n_nontarget:,}")


if __name__ == "__main__":
    main()
