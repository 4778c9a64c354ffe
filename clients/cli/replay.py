"""`speakerctl replay`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from clients import scenarios
from clients.cli.exits import Exit
from clients.cli.session import Session, global_options
from clients.client import Client
from clients.demo.process import private_daemon
from clients.errors import ClientError
from clients.scenarios.report import Report

_READ: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_WRITTEN: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", metavar="SCENARIO...", nargs=-1, required=True, type=_READ)
@click.option("--realtime", "--real-time", is_flag=True, help="At the speed of speech instead of as fast as it goes.")
@click.option("--junit", type=_WRITTEN, help="Write what came of it as JUnit XML to this file, too.")
@click.option("--config", type=_READ, help="Settings of the daemon that is started, as for `speakerd serve`.")
@click.option("--render", "wav", type=_WRITTEN, help="Write the sound of the scenario as WAV to this file instead of playing it.")
@global_options
@click.pass_obj
def replay(session: Session, files: tuple[Path, ...], *, realtime: bool, junit: Path | None, config: Path | None, wav: Path | None) -> Exit:
    """Play scenarios to a daemon, and tell whether what it decides is what they demand.

    A scenario is a YAML file that says who is enrolled, who speaks when, what must be decided and what must not; docs/scenarios.md
    tells how to write one. The exit status is 0 only if everything came as it must.

    Starts a daemon of its own that leaves nothing behind; with --socket or --address, uses one that runs: it enrolls the scenario's
    speakers there under names that nobody has, and deletes them at the end.
    """
    played = [scenarios.load_scenario(file) for file in files]
    if wav is not None:
        return _render(session, played, wav)
    with _client(session, config) as client, session.output.live():
        reports = _replay(session, client, played, junit, realtime=realtime)
    return Exit.OK if all(report.passed for report in reports) else Exit.REJECTED


def _render(session: Session, played: Sequence[scenarios.Scenario], path: Path) -> Exit:
    if len(played) > 1:
        raise click.UsageError("--render writes one scenario.")
    rendered = scenarios.render(played[0])
    scenarios.write_wav(rendered, path)
    session.output.show(rendered.timeline)
    session.output.note(f"Wrote {path}: {rendered.timeline.seconds:.2f} s.")
    return Exit.OK


@contextmanager
def _client(session: Session, config: Path | None) -> Iterator[Client]:
    if session.names_daemon:
        if config is not None:
            raise click.UsageError("--config is for a daemon that is started: give it, or --socket or --address.")
        with session.connect() as client:
            yield client
    else:
        settings = "" if config is None else config.read_text(encoding="utf-8")
        with private_daemon(settings) as address, Client(address) as client:
            yield client


def _replay(
    session: Session, client: Client, played: Sequence[scenarios.Scenario], junit: Path | None, *, realtime: bool
) -> Sequence[Report]:
    reports: list[Report] = []
    for scenario in played:
        session.output.note(f"{scenario.title}:")
        try:
            report = scenarios.replay(client, scenario, realtime=realtime, watch=session.output.show)
        except ClientError as error:
            _write(junit, reports, (scenario.title, error))
            raise
        session.output.show(report)
        reports.append(report)
    _write(junit, reports)
    return reports


def _write(junit: Path | None, reports: Sequence[Report], failed: tuple[str, ClientError] | None = None) -> None:
    if junit is not None:
        scenarios.write_junit(junit, reports, failed)
