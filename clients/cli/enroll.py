"""`speakerctl enroll`."""

from __future__ import annotations

from pathlib import Path

import click

from clients.cli.session import Session, global_options, name_argument
from clients.files import open_audio
from clients.messages import EnrollConfig, EnrollMode


@click.command()
@name_argument
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Forget what is enrolled under the name.")
@click.option("--add", is_flag=True, help="Add the recordings to what is enrolled under the name.")
@click.option("--allow-similar", is_flag=True, help="Even if the voice resembles one that is enrolled under another name.")
@global_options
@click.pass_obj
def enroll(session: Session, name: str, files: tuple[Path, ...], *, replace: bool, add: bool, allow_similar: bool) -> None:
    """Make the voice in FILES known as NAME.

    All FILES (wav, flac, ogg, opus, mp3) are recordings of one person. Nothing is stored unless all of them pass the checks.
    """
    if replace and add:
        raise click.UsageError("give either --replace or --add.")
    mode = EnrollMode.REPLACE if replace else EnrollMode.ADD if add else EnrollMode.CREATE
    config = EnrollConfig(name, mode, allow_similar)
    with session.connect() as client, session.output.live():
        for event in client.enroll(config, map(open_audio, files)):
            session.output.event(event)
