"""`speakerctl speakers`."""

from __future__ import annotations

import click

from clients.cli.session import Session, global_options, name_argument


@click.group()
@global_options
def speakers() -> None:
    """List, show, reset and delete enrolled speakers."""


@speakers.command("list")
@global_options
@click.pass_obj
def list_speakers(session: Session) -> None:
    """List the enrolled speakers."""
    with session.connect() as client:
        enrolled = list(client.speakers())
    for speaker in enrolled:
        session.output.show(speaker)
    if not enrolled:
        session.output.note("Nobody is enrolled; `speakerctl enroll NAME FILES` makes a voice known.")


@speakers.command("show")
@name_argument
@global_options
@click.pass_obj
def show_speaker(session: Session, name: str) -> None:
    """Show one speaker."""
    with session.connect() as client:
        session.output.show(client.speaker(name))


@speakers.command("delete")
@name_argument
@global_options
@click.pass_obj
def delete_speaker(session: Session, name: str) -> None:
    """Forget a speaker and everything derived from their voice."""
    with session.connect() as client:
        client.delete(name)
    session.output.deleted(name)


@speakers.command("reset")
@name_argument
@global_options
@click.pass_obj
def reset_speaker(session: Session, name: str) -> None:
    """Forget what a voiceprint learned from attempts; what was enrolled stays."""
    with session.connect() as client:
        session.output.show(client.reset(name))
