"""`speakerctl enroll`."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from clients.cli.session import NAME, Session, global_options, name_argument
from clients.files import open_audio
from clients.messages import EnrollConfig, EnrollMode


class _Options(TypedDict):
    """Values of the options of an enrollment from whatever source."""

    replace: bool
    add: bool
    allow_similar: bool


@click.command()
@name_argument
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--capture", type=NAME, metavar="CAPTURE", help="Take what is said into this microphone of the daemon, instead of FILES.")
@click.option("--replace", is_flag=True, help="Forget what is enrolled under the name.")
@click.option("--add", is_flag=True, help="Add the recordings to what is enrolled under the name.")
@click.option("--allow-similar", is_flag=True, help="Even if the voice resembles one that is enrolled under another name.")
@global_options
@click.pass_obj
def enroll(session: Session, /, name: str, files: tuple[Path, ...], capture: str | None, **options: Unpack[_Options]) -> None:
    """Make the voice in FILES known as NAME.

    All FILES (wav, flac, ogg, opus, mp3) are recordings of one person. Nothing is stored unless all of them pass the checks.

    With --capture, whoever speaks next is enrolled: speak until there is enough, with pauses between sentences.
    """
    if bool(files) is (capture is not None):
        raise click.UsageError("give FILES, or a microphone with --capture.")
    if options["replace"] and options["add"]:
        raise click.UsageError("give either --replace or --add.")
    mode = EnrollMode.REPLACE if options["replace"] else EnrollMode.ADD if options["add"] else EnrollMode.CREATE
    config = EnrollConfig(name, mode, options["allow_similar"])
    with session.connect() as client, session.output.live():
        for event in client.enroll(config, map(open_audio, files)) if capture is None else client.enroll_from_capture(capture, config):
            session.output.event(event)
