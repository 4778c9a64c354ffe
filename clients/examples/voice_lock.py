"""A voice lock: opens for the voices of some speakers, and locks again when someone else speaks or nobody does.

    python -m clients.examples.voice_lock --capture door --speaker ada --open 'gpioset 0 17=1' --lock 'gpioset 0 17=0'

Without commands it prints what it would do. Its exit status is 0 only if it was ended in order. Should the process be killed, nothing
locks: let the bolt fall by itself, or let the supervisor of the service run the command that locks (systemd: `ExecStopPost=`).
"""

from __future__ import annotations

import shlex
import signal
import subprocess
from pathlib import Path
from types import FrameType
from typing import Final

import click

from clients.address import unix_address
from clients.client import Client
from clients.errors import ClientError
from clients.lock import Lock
from clients.lock_state import LockChange, LockConfig

COMMAND_SECONDS: Final = 5.0
"""A command that takes longer has failed."""


class Bolt:
    """What opens and locks: two commands, each of which may be left out."""

    def __init__(self, opening: str, locking: str) -> None:
        self._commands = {True: shlex.split(opening), False: shlex.split(locking)}

    def move(self, change: LockChange) -> None:
        """Run the command for a change. Raises `OSError` or `subprocess.SubprocessError` if it fails, and the lock locks."""
        click.echo(f"open: {change.speaker}" if change.is_open else f"locked: {change.reason.value}")
        if command := self._commands[change.is_open]:
            subprocess.run(command, check=True, timeout=COMMAND_SECONDS, stdin=subprocess.DEVNULL)


@click.command()
@click.option("--socket", type=click.Path(path_type=Path), help="The daemon's unix socket, if it is not the default one.")
@click.option("--capture", required=True, help="The microphone at the door.")
@click.option("--speaker", "speakers", required=True, multiple=True, help="Who opens it; again for more.")
@click.option("--hold", type=click.FloatRange(0, min_open=True), default=5.0, show_default=True, help="Seconds that it stays open.")
@click.option("--open", "opening", metavar="COMMAND", default="", help="Opens it.")
@click.option("--lock", "locking", metavar="COMMAND", default="", help="Locks it.")
def main(socket: Path | None, capture: str, speakers: tuple[str, ...], hold: float, opening: str, locking: str) -> None:
    """Open for the voices of some speakers."""
    with Client(unix_address(socket)) as client:
        lock = Lock(client, LockConfig(capture, frozenset(speakers), hold), Bolt(opening, locking).move)
        _close_when_ended(lock)
        _warn(client, capture)
        lock.run()


def _close_when_ended(lock: Lock) -> None:
    def close(_number: int, _frame: FrameType | None) -> None:
        lock.close()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, close)


def _warn(client: Client, capture: str) -> None:
    """Say why it will stay locked for now, if that can be foreseen; it goes on, as a daemon or a satellite may come later."""
    try:
        known = any(found.name == capture for found in client.captures())
    except ClientError as error:
        click.echo(error, err=True)
    else:
        if not known:
            click.echo(f"the daemon has no capture {capture!r} yet: `speakerctl captures` lists them", err=True)


if __name__ == "__main__":
    main()
