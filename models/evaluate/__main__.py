"""`python -m models.evaluate`: how well embeddings tell speakers apart on recordings of one's own."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from models.evaluate.conditions import VALUES, ConditionError, conditions_of
from models.evaluate.embeddings import EmbeddingError
from models.evaluate.figures import TooFewTrialsError
from models.evaluate.measure import Measured, measure
from models.evaluate.output import as_json, by_group, overview
from models.manifest import ManifestError, read_manifest, read_paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the embeddings that the command line names; print tables, write the figures as JSON and a DET plot."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.det and not find_spec("matplotlib"):
        parser.error("--det needs matplotlib: pip install matplotlib")
    try:
        noises = read_paths(options.noise, options.root) if options.noise else []
        conditions = conditions_of(options.by, noises)
        recordings = read_manifest(options.manifest, options.root)
        results = {name: measure(name, recordings, conditions, options.jobs) for name in options.embedding}
        Console().print(overview(results), by_group(results))
        _write(results, options.json, options.det)
    except (ConditionError, EmbeddingError, ManifestError, TooFewTrialsError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m models.evaluate",
        description="Measure how well embeddings tell speakers apart. Within each corpus of the manifest, speakers with four "
        "recordings or more are enrolled with their first three; all other recordings are verified against all of them.",
    )
    parser.add_argument("--manifest", type=Path, required=True, help="list of recordings: tab-separated, with a header line")
    parser.add_argument("--root", type=Path, required=True, help="directory that the manifest's paths are relative to")
    parser.add_argument("--embedding", nargs="+", action="extend", required=True, metavar="NAME", help="what to measure, by name")
    parser.add_argument("--by", nargs="+", action="extend", default=[], choices=VALUES, help="conditions to verify recordings under, too")
    parser.add_argument("--noise", type=Path, metavar="MANIFEST", help="list of noises for --by noise, with paths relative to --root")
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    parser.add_argument("--det", type=Path, metavar="OUT.png", help="picture to draw the DET curves into; needs matplotlib")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that compute embeddings (%(default)s)")
    return parser


def _write(results: Mapping[str, Measured], figures: Path | None, plot: Path | None) -> None:
    if figures:
        content = {name: as_json(measured) for name, measured in results.items()}
        figures.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if plot:
        # Imported here because only plots need matplotlib.
        from models.evaluate.det import save_plot  # noqa: PLC0415

        save_plot({name: measured.report.rates for name, measured in results.items()}, plot)


if __name__ == "__main__":
    main()
