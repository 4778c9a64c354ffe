"""`speakerctl demo`."""

from __future__ import annotations

from pathlib import Path

import click

from clients.cli.exits import Exit
from clients.cli.session import Session, json_option
from clients.client import Client
from clients.demo.plan import SHIPPED, Plan, Stream, make_plan
from clients.demo.process import private_daemon
from clients.demo.streams import StreamResult, enroll_all, play
from clients.errors import ProtocolError
from clients.messages import Enrolled


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SHIPPED,
    help="Recordings to use instead of the shipped synthetic voices: one directory per speaker.",
)
@click.option("--realtime/--fast", default=None, help="At the speed of speech, or as fast as it goes. Default: --realtime on a terminal.")
@json_option
@click.pass_obj
def demo(session: Session, data: Path, *, realtime: bool | None) -> Exit:
    """See it work: no microphone, data or running daemon needed.

    Starts a daemon of its own that leaves nothing behind, enrolls two voices, the owner and another, and streams four recordings,
    each with the claim to be the owner: the owner, the other voice, a stranger, noise. The exit status is 0 only if they come out
    as ACCEPT, REJECT, REJECT and UNDECIDED.

    With --data, every directory that holds audio files is a speaker, sorted by path: the first with four recordings or more
    is the owner, the second the other voice, the next a stranger; one called 'noise' gives the noise.
    """
    plan = make_plan(data)
    with private_daemon() as address, Client(address) as client, session.output.live():
        session.output.note(f"A daemon of the demo's own runs, with the model {client.status().model_id}.")
        _enroll(session, client, plan)
        return _stream(session, client, plan, realtime=session.output.watched if realtime is None else realtime)


def _enroll(session: Session, client: Client, plan: Plan) -> None:
    for event in enroll_all(client, plan):
        session.output.progress(event, "enrolling")
        if isinstance(event, Enrolled):
            session.output.note(f"Enrolled {event.speaker.name}: {event.speaker.speech:.1f} s of speech.")


def _stream(session: Session, client: Client, plan: Plan, *, realtime: bool) -> Exit:
    session.output.note("Four streams, each with the claim to be the owner:")
    expected = sum([_plays_as_expected(session, client, plan.owner, stream, realtime=realtime) for stream in plan.streams])
    session.output.note(f"{expected} of {len(plan.streams)} as expected.")
    return Exit.OK if expected == len(plan.streams) else Exit.REJECTED


def _plays_as_expected(session: Session, client: Client, owner: str, stream: Stream, *, realtime: bool) -> bool:
    for event in play(client, owner, stream, realtime=realtime):
        if isinstance(event, StreamResult):
            session.output.show(event)
            return event.as_expected
        session.output.progress(event, stream.name)
    raise ProtocolError("the daemon ended the stream without a decision")
