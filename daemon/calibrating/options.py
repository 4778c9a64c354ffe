"""What can be asked of `speakerd calibrate`; light, since every run of `speakerd` loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from daemon.config import Config

Command = TypeVar("Command", bound=Callable[..., Any])

_LIST: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_OPTIONS: Final = (
    click.option("--manifest", type=_LIST, required=True, help="List of recordings: tab-separated, with a header line."),
    click.option("--root", type=_DIRECTORY, required=True, help="Directory that the paths in the manifest are relative to."),
    click.option("--noise", type=_LIST, help="List of recordings of noise, which some recordings are heard in."),
    click.option("--noise-root", type=_DIRECTORY, help="Directory that the paths of the noises are relative to. [default: --root]"),
    click.option("--model", help="The encoder. [default: as configured]"),
    click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. [default: MODEL-calibration.npz, here]"),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything that is drawn."),
    click.option(
        "--held-out-only",
        is_flag=True,
        help="Calibrate on the speakers whom models.distill holds out of training, and normalise by the others: for the data that "
        "the encoder was trained on.",
    ),
)


@dataclass(frozen=True)
class Asked:
    """What is asked for, by the names of the options. None: as the configuration says, or not at all."""

    manifest: Path
    root: Path
    noise: Path | None = None
    noise_root: Path | None = None
    model: str | None = None
    output: Path | None = None
    seed: int = 0
    held_out_only: bool = False


def calibration_options(command: Command) -> Command:
    """Give a command all options: arguments with the names of the fields of `Asked`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def with_model(config: Config, name: str | None) -> Config:
    """Return the configuration with another encoder, if one is named."""
    return config.model_copy(update={"model": config.model.model_copy(update={"name": name})}) if name else config
