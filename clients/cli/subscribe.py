"""`speakerctl subscribe`."""

from __future__ import annotations

from typing import TypedDict, Unpack

import click

from clients.capture_messages import SubscribeConfig
from clients.cli.session import NAME, Session, global_options
from clients.subscription import Disconnected, Subscription


class _Options(TypedDict):
    """Values of the options."""

    capture: tuple[str, ...]
    decisions_only: bool
    speaker: str
    levels: bool
    interval: float
    after: int | None
    run: str | None


@click.command()
@click.option("--capture", type=NAME, metavar="NAME", multiple=True, help="Only what this capture hears; again for more. Default: all.")
@click.option("--decisions-only", is_flag=True, help="Only final decisions and changes of a capture's state.")
@click.option("--speaker", type=NAME, metavar="NAME", default="", help="Only decisions about this speaker.")
@click.option("--levels", is_flag=True, help="Levels too (with --json).")
@click.option("--interval", type=click.FloatRange(0), default=0.0, help="Seconds between two interim decisions or levels of a capture.")
@click.option("--after", type=click.IntRange(1), metavar="SEQ", help="Go on after the event with this sequence; needs --run.")
@click.option("--run", type=NAME, metavar="ID", help="The run of the daemon that SEQ is from: its run_id.")
@global_options
@click.pass_obj
def subscribe(session: Session, /, **options: Unpack[_Options]) -> None:
    """Show what the daemon's captures hear, as they hear it, until it is interrupted.

    A lost connection is tried again, and the subscription goes on where it was. With --json, each event has a sequence and a run_id:
    a program that is started again goes on after the last one that it has seen with --after and --run.
    """
    with session.connect() as client, Subscription(client, _config(options)) as subscription, session.output.live():
        first = next(subscription)
        if isinstance(first, Disconnected):
            raise first.error
        session.output.event(first)
        for event in subscription:
            session.output.event(event)


def _config(options: _Options) -> SubscribeConfig:
    if (options["after"] is None) is not (options["run"] is None):
        raise click.UsageError("give --after and --run together.")
    return SubscribeConfig(
        captures=options["capture"],
        decisions_only=options["decisions_only"],
        speaker=options["speaker"],
        minimum_interval=options["interval"],
        levels=options["levels"],
        after=options["after"] or 0,
        run_id=options["run"] or "",
    )
