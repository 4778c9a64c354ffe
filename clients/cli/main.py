"""The command line: groups the commands, and turns every error into a sentence and an exit status."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import click

from clients.cli import exits
from clients.cli.captures import captures, devices, start, stop
from clients.cli.demo import demo
from clients.cli.enroll import enroll
from clients.cli.exits import Exit, exit_of_error
from clients.cli.jsonlines import JsonLines
from clients.cli.live import live
from clients.cli.output import Output
from clients.cli.replay import replay
from clients.cli.session import Session, global_options
from clients.cli.speakers import speakers
from clients.cli.status import status
from clients.cli.subscribe import subscribe
from clients.cli.terminal import PipedConsole, Terminal
from clients.cli.verify import identify, verify
from clients.errors import ClientError


@click.group(epilog=exits.HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="speakerd", prog_name="speakerctl")
@global_options
def speakerctl() -> None:
    """Enroll voices and verify who speaks, with a running speakerd."""


for _command in (enroll, verify, identify, speakers, status, demo, live, replay, subscribe, captures, devices, start, stop):
    speakerctl.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `speakerctl` and end the process with an `Exit` status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status."""
    output: Output = JsonLines(sys.stdout) if "--json" in arguments else Terminal(PipedConsole(highlight=False))
    try:
        result = speakerctl.main(list(arguments), prog_name="speakerctl", obj=Session(output), standalone_mode=False)
    except click.UsageError as error:
        return _fail(output, "USAGE", f"{error.format_message()} See `{_help(error)}`.", Exit.USAGE)
    except ClientError as error:
        return _fail(output, error.reason, str(error), exit_of_error(error))
    except (click.Abort, KeyboardInterrupt):
        return _fail(output, "INTERRUPTED", "interrupted", Exit.INTERRUPTED)
    except OSError as error:
        return _fail(output, "INTERNAL", f"this cannot be done here: {error}", Exit.FAILED)
    except Exception as error:  # noqa: BLE001 - Python's own exit status for it would say that a voice is rejected
        traceback.print_exc()
        return _fail(output, "INTERNAL", f"an error of speakerctl itself: {error!r}; please report it", Exit.FAILED)
    return int(result or Exit.OK)


def _fail(output: Output, reason: str, message: str, status: Exit) -> Exit:
    click.echo(f"speakerctl: {message}", err=True)
    # Perhaps that nothing can be printed there is what is to be said.
    with suppress(OSError):
        output.error(reason, message)
    return status


def _help(error: click.UsageError) -> str:
    return f"{error.ctx.command_path if error.ctx else 'speakerctl'} --help"


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave in order, so that a demo takes its daemon along."""
    sys.exit(128 + number)
