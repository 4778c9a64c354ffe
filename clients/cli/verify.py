"""`speakerctl verify` and `speakerctl identify`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar, Unpack

import click

from clients.audio import Audio, paced
from clients.cli.exits import Exit, exit_of_outcome
from clients.cli.session import Session, global_options, name_argument
from clients.errors import AudioFileError, ProtocolError
from clients.files import HIGHEST_RATE, LOWEST_RATE, MAX_CHANNELS, open_audio, open_raw
from clients.messages import Decision, VerifyConfig

Command = TypeVar("Command", bound=Callable[..., Any])
_STDIN: Final = 0
_SOURCE: Final[Sequence[Callable[[Any], Any]]] = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)),
    click.option("--realtime", is_flag=True, help="Send the audio at the speed of speech."),
    click.option("--wait-for-end", is_flag=True, help="Decide at the end of the audio and not before."),
    click.option(
        "--false-accept-rate",
        type=click.FloatRange(0.0, 0.5, min_open=True),
        metavar="RATE",
        help="How often someone else may be accepted, such as 0.001: at most as often as the daemon allows. [default: the daemon's]",
    ),
    click.option(
        "--rate",
        type=click.IntRange(LOWEST_RATE, HIGHEST_RATE),
        default=16_000,
        show_default=True,
        help="Samples per second of raw audio from '-'.",
    ),
    click.option("--channels", type=click.IntRange(1, MAX_CHANNELS), default=1, show_default=True, help="Channels of raw audio from '-'."),
)


class _Source(TypedDict):
    """Values of the options above."""

    file: Path
    realtime: bool
    wait_for_end: bool
    false_accept_rate: float | None
    rate: int
    channels: int


def _source_options(command: Command) -> Command:
    for option in reversed(_SOURCE):
        command = option(command)
    return command


@click.command()
@name_argument
@_source_options
@global_options
@click.pass_obj
def verify(session: Session, /, name: str, **source: Unpack[_Source]) -> Exit:
    """Tell whether the voice in FILE is NAME's.

    FILE is a recording (wav, flac, ogg, opus, mp3), or '-' for raw signed 16-bit little-endian audio from standard input, as from
    `arecord -t raw -f S16_LE -r 16000 -c 1`. The exit status is 0 only if it is NAME.
    """
    return _attempt(session, [name], source)


@click.command()
@_source_options
@global_options
@click.pass_obj
def identify(session: Session, /, **source: Unpack[_Source]) -> Exit:
    """Tell which enrolled speaker the voice in FILE is, if any.

    FILE as for `verify`. The exit status is 0 only if it is one of them.
    """
    return _attempt(session, [], source)


def _attempt(session: Session, speakers: Sequence[str], source: _Source) -> Exit:
    config = VerifyConfig(speakers, wait_for_end=source["wait_for_end"], false_accept_rate=source["false_accept_rate"])
    audio = _open(source)
    with session.connect() as client, session.output.live():
        for event in client.verify(config, paced(audio) if source["realtime"] else audio):
            session.output.event(event)
            if isinstance(event, Decision) and event.final:
                return exit_of_outcome(event.outcome)
    raise ProtocolError("the daemon ended the stream without a decision")


def _open(source: _Source) -> Audio:
    if str(source["file"]) != "-":
        return open_audio(source["file"])
    # Unbuffered: the thread that reads may outlive the decision, and a buffer's lock held by it would break the exit.
    try:
        stdin = FileIO(_STDIN, closefd=False)
    except OSError as error:
        raise AudioFileError(f"standard input cannot be read: {error.strerror}") from error
    return open_raw(stdin, source["rate"], source["channels"])
