"""`speakerctl status`."""

from __future__ import annotations

import click

from clients.cli.session import Session, global_options


@click.command()
@global_options
@click.pass_obj
def status(session: Session) -> None:
    """Show how the daemon is."""
    with session.connect() as client:
        session.output.show(client.status())
