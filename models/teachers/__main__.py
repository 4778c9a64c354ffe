"""`python -m models.teachers`: bring the weights of teachers that others trained, add those of teachers that are trained here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import torch

from models.teachers import TeacherError, sources, untrained_teacher
from models.teachers.store import fetch, trained_path, weights_dir

Result = TypeVar("Result")


@click.group()
def main() -> None:
    """Manage the teachers' weights."""


@main.command("fetch")
def fetch_command() -> None:
    """Download the weights of teachers that others trained and check their hashes."""
    for source in sources():
        click.echo(_reported(lambda source=source: fetch(source, weights_dir())))  # type: ignore[misc]


@main.command("add")
@click.argument("name")
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add_command(name: str, checkpoint: Path) -> None:
    """Make what a run of `models.distill` trained the teacher NAME."""
    network = _reported(lambda: untrained_teacher(name))
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    try:
        network.load_state_dict(stored["student"])
    except (KeyError, RuntimeError) as error:
        raise click.UsageError(f"{checkpoint} holds no {name}: {error}") from None
    path = trained_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(stored["student"], path)
    click.echo(path)


def _reported(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except TeacherError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
