"""`python -m models.evaluate`: how well embeddings tell speakers apart on recordings of one's own."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console

from models.evaluate.conditions import VALUES, ConditionError, conditions_of
from models.evaluate.embeddings import EmbeddingError, loaded_embedding
from models.evaluate.figures import TooFewTrialsError, enough_trials
from models.evaluate.measure import Measured, measure
from models.evaluate.output import PICTURES, as_json, by_group, comparison, overview
from models.evaluate.trial_list import TrialListError, listed_trials, read_trials, recordings_of, used_recordings
from models.evaluate.trials import CorpusTrials
from models.manifest import ManifestError, Recording, check_files, read_manifest, read_paths

DEFAULT_KINDS: Final = ("seconds",)
"""Conditions that are measured unless others are asked for."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the embeddings that the command line names; print tables, write the figures as JSON and a DET plot."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    try:
        noises = read_paths(options.noise, options.root) if options.noise else []
        conditions = conditions_of(DEFAULT_KINDS if options.by is None else options.by, noises)
        recordings, trials = _material(options)
        _foresee(options.embedding, recordings, trials)
        results: dict[str, Measured] = {}
        for name in options.embedding:
            results[name] = measure(name, recordings, conditions, trials, options.jobs)
            _write(results, options.json)
        if options.det:
            _draw(results, options.det)
        Console(width=_width(results)).print(overview(results), *([comparison(results)] if len(results) > 1 else []), by_group(results))
    except (ConditionError, EmbeddingError, ManifestError, TooFewTrialsError, TrialListError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def _check(parser: ArgumentParser, options: Namespace) -> None:
    """End with a message where what is asked for cannot be: before anything is measured, which may take hours."""
    if not options.manifest and not options.trials:
        parser.error("name what to measure on: --manifest, --trials or both")
    if not options.root.is_dir():
        parser.error(f"--root {options.root} is no directory")
    for output in filter(None, (options.json, options.det)):
        if not output.parent.is_dir():
            parser.error(f"{output} cannot be written: {output.parent} is no directory")
    if options.det and options.det.suffix not in PICTURES:
        parser.error(f"--det {options.det}: a picture's name ends in {', '.join(PICTURES)}")
    if options.det and not find_spec("matplotlib"):
        parser.error("--det needs matplotlib: pip install matplotlib")


def _foresee(embeddings: Sequence[str], recordings: Sequence[Recording], trials: Sequence[CorpusTrials] | None) -> None:
    """Raise now what would end a measurement later."""
    for name in embeddings:
        loaded_embedding(name)
    check_files(recording.path for recording in recordings)
    enough_trials(recordings, trials)


def _material(options: Namespace) -> tuple[list[Recording], list[CorpusTrials] | None]:
    """Return the recordings, and the trials if they come from a list."""
    recordings = read_manifest(options.manifest, options.root) if options.manifest else []
    if not options.trials:
        return recordings, None
    listed = read_trials(options.trials, options.root)
    recordings = used_recordings(listed, recordings) if options.manifest else recordings_of(listed, options.trials.stem)
    return recordings, listed_trials(listed, recordings)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m models.evaluate",
        description="Measure how well embeddings tell speakers apart. Within each corpus of the manifest, speakers with four "
        "recordings or more are enrolled with their first three; all other recordings are verified against all of them. "
        "Or measure the trials of a list.",
    )
    parser.add_argument("--manifest", type=Path, help="list of recordings: tab-separated, with a header line")
    parser.add_argument("--trials", type=Path, metavar="LIST", help="list of trials: label, what enrolls, what is verified")
    parser.add_argument("--root", type=Path, required=True, help="directory that the paths of all lists are relative to")
    parser.add_argument(
        "--embedding", nargs="+", action="extend", required=True, metavar="NAME", help="what to measure, by name, or NAME:ARGUMENT"
    )
    parser.add_argument(
        "--by",
        nargs="*",
        action="extend",
        choices=VALUES,
        help=f"conditions to verify recordings under, too ({', '.join(DEFAULT_KINDS)}); --by alone for none",
    )
    parser.add_argument("--noise", type=Path, metavar="MANIFEST", help="list of noises for --by noise, with paths relative to --root")
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    parser.add_argument("--det", type=Path, metavar="OUT.png", help="picture to draw the DET curves into; needs matplotlib")
    parser.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, help="processes that compute embeddings (%(default)s)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number of processes, 1 or more")
    return int(text)


def _write(results: Mapping[str, Measured], figures: Path | None) -> None:
    if figures:
        content = {name: as_json(measured) for name, measured in results.items()}
        figures.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _draw(results: Mapping[str, Measured], plot: Path) -> None:
    # Imported here because only plots need matplotlib.
    from models.evaluate.det import save_plot  # noqa: PLC0415

    save_plot({name: measured.report.rates for name, measured in results.items()}, plot)


def _width(results: Mapping[str, Measured]) -> int | None:
    """Return the columns for the tables: those of the terminal, or as many as they need where there is none."""
    return None if sys.stdout.isatty() else 60 + sum(max(20, len(name)) for name in results)


if __name__ == "__main__":
    main()
