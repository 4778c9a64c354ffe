"""`speakerctl captures`, `devices`, `start` and `stop`."""

from __future__ import annotations

import click

from clients.cli.session import Session, global_options, name_argument


@click.command()
@global_options
@click.pass_obj
def captures(session: Session) -> None:
    """List the microphones and feeds that the daemon listens to, and how they are."""
    with session.connect() as client:
        found = client.captures()
    for capture in found:
        session.output.show(capture)
    if not found:
        session.output.note("The daemon has no captures; its settings name them under `captures`. `speakerctl devices` lists the devices.")


@click.command()
@global_options
@click.pass_obj
def devices(session: Session) -> None:
    """List the devices that the daemon could capture."""
    with session.connect() as client:
        found = client.devices()
    for device in found:
        session.output.show(device)
    if not found:
        session.output.note("The daemon finds no microphone.")


@click.command()
@name_argument
@global_options
@click.pass_obj
def start(session: Session, name: str) -> None:
    """Begin to listen to the capture NAME."""
    with session.connect() as client:
        session.output.show(client.start_capture(name))


@click.command()
@name_argument
@global_options
@click.pass_obj
def stop(session: Session, name: str) -> None:
    """Stop to listen to the capture NAME, and close its device."""
    with session.connect() as client:
        session.output.show(client.stop_capture(name))
