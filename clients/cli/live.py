"""`speakerctl live`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NoReturn

import click
from rich.console import Console

from clients import scenarios
from clients.audio import Audio
from clients.cli.session import NAME, Session, global_options
from clients.client import Client
from clients.demo.process import private_daemon
from clients.errors import UnreachableError
from clients.files import open_audio
from clients.live.model import Source
from clients.live.screen import show
from clients.live.sources import Events, feed, microphone, recordings
from clients.messages import EnrollConfig
from clients.subscription import Disconnected

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_MICROPHONE: Final = "captures: {microphone: {}}\n"
"""Settings of a daemon that listens to the default microphone."""
_FED: Final = f"live-{os.getpid()}"
"""What a capture that is fed is called: two screens do not get in each other's way."""


@click.command()
@click.option("--file", "files", type=_FILE, multiple=True, help="Listen to a recording instead, at the speed of speech; again for more.")
@click.option("--scenario", "path", type=_FILE, help="Listen to a scenario instead; always by a temporary daemon of its own.")
@click.option("--capture", type=NAME, metavar="NAME", help="Which capture to listen to; with --file: what to call the recordings.")
@click.option("--private", is_flag=True, help="Start a temporary daemon, even if one runs already.")
@global_options
@click.pass_obj
def live(session: Session, files: tuple[Path, ...], path: Path | None, capture: str | None, *, private: bool) -> None:
    """See who speaks: levels, scores and decisions, as they come.

    Keys: e enrolls whoever speaks, d deletes a speaker, q quits. Listens to a microphone of the running daemon; if none runs, starts
    a temporary one that listens to the default microphone and forgets everyone when it ends.

    Without a terminal, prints a line for each decision; with --json, an object for each event.
    """
    if files and path:
        raise click.UsageError("give either --file or --scenario.")
    with ExitStack() as stack:
        if path:
            _play_scenario(session, stack, scenarios.load_scenario(path), capture or _FED)
        elif files:
            audio = recordings(files)
            client, own = _daemon(session, stack, "", private=private)
            _play(session, client, Source(", ".join(file.name for file in files), capture or _FED, own, recorded=True), audio)
        else:
            client, own = _daemon(session, stack, _MICROPHONE, private=private)
            name, events = stack.enter_context(microphone(client, capture))
            _show(session, client, Source(name, name, own), events)


def _play_scenario(session: Session, stack: ExitStack, scenario: scenarios.Scenario, capture: str) -> None:
    audio = scenarios.render(scenario).audio()
    client = _temporary(session, stack, "")
    with session.output.live():
        for speaker, files in scenario.enroll.items():
            for event in client.enroll(EnrollConfig(speaker), map(open_audio, files)):
                session.output.progress(event, speaker)
    _play(session, client, Source(scenario.title, capture, own=True, recorded=True), audio)


def _play(session: Session, client: Client, source: Source, audio: Audio) -> None:
    with feed(client, source.capture, audio) as events:
        _show(session, client, source, events)


def _daemon(session: Session, stack: ExitStack, settings: str, *, private: bool) -> tuple[Client, bool]:
    """Return a client of the running daemon, or of a temporary one with these settings, and whether it is that."""
    if private:
        return _temporary(session, stack, settings), True
    client = stack.enter_context(session.connect())
    try:
        client.status()
    except UnreachableError:
        # Who names a daemon means that one.
        if session.names_daemon or os.environ.get("SPEAKERD_SOCKET"):
            raise
        return _temporary(session, stack, settings), True
    return client, False


def _temporary(session: Session, stack: ExitStack, settings: str) -> Client:
    session.output.note("Starting a temporary daemon, which forgets everyone when it ends.")
    return stack.enter_context(Client(stack.enter_context(private_daemon(settings))))


def _show(session: Session, client: Client, source: Source, events: Events) -> None:
    console = Console(highlight=False)
    if session.output.watched and sys.stdin.isatty() and sys.stdout.isatty() and not console.is_dumb_terminal:
        try:
            show(console, client, source, events)
        except OSError:
            _hang_up()
    else:
        _print(session, source, events)


def _hang_up() -> NoReturn:
    """End as by SIGHUP: the terminal is gone, so that nothing can be shown or said any more."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(null, stream.fileno())
    sys.exit(128 + signal.SIGHUP)


def _print(session: Session, source: Source, events: Events) -> None:
    session.output.note(f"Listening to {source.title}.")
    with session.output.live():
        for event in events:
            if isinstance(event, Disconnected):
                raise event.error
            session.output.event(event)
