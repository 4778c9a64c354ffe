"""What can be asked of `speakerd evaluate-decisions`; light, since every run of `speakerd` loads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_LIST: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_OUTPUT: Final = click.Path(dir_okay=False, path_type=Path)
_RATE: Final = click.FloatRange(0.0, 0.5, min_open=True)
_OPTIONS: Final = (
    click.option("--manifest", type=_LIST, required=True, help="List of recordings: tab-separated, with a header line."),
    click.option("--root", type=_DIRECTORY, required=True, help="Directory that the paths in the manifest are relative to."),
    click.option("--far", type=_RATE, help="Target: false accepts per attempt. [default: as configured]"),
    click.option("--frr", type=_RATE, help="Target: false rejects per attempt. [default: as configured]"),
    click.option("--noise", type=_LIST, help="List of recordings of noise: false alarms are counted in it, and --snr adds it."),
    click.option("--noise-root", type=_DIRECTORY, help="Directory that the paths of the noises are relative to. [default: --root]"),
    click.option(
        "--noise-hours", type=click.FloatRange(0.0), help="Listen for false alarms for so long. [default: 2 with --noise, else 0]"
    ),
    click.option("--snr", type=float, help="Add noise to every attempt and change of speaker, so many dB below the speech."),
    click.option("--changes/--no-changes", default=True, show_default=True, help="Measure how soon a change of speaker is noticed."),
    click.option(
        "--change-rounds",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Measure changes of speaker so many times, each time with other recordings of everybody enrolled: for more hours.",
    ),
    click.option("--json", type=_OUTPUT, help="File to write the figures to."),
    click.option("--plot", type=_OUTPUT, help="Picture to draw errors against seconds of speech into; needs matplotlib."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything that is drawn."),
    click.option(
        "--jobs", type=click.IntRange(1), default=lambda: len(os.sched_getaffinity(0)), help="Processes. [default: all processors]"
    ),
)


@dataclass(frozen=True)
class Asked:
    """What is asked for, by the names of the options. None: as the configuration says, or not at all."""

    manifest: Path
    root: Path
    far: float | None = None
    frr: float | None = None
    noise: Path | None = None
    noise_root: Path | None = None
    noise_hours: float | None = None
    snr: float | None = None
    changes: bool = True
    change_rounds: int = 1
    json: Path | None = None
    plot: Path | None = None
    seed: int = 0
    jobs: int = 1


def evaluation_options(command: Command) -> Command:
    """Give a command all options: arguments with the names of the fields of `Asked`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
