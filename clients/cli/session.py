"""What every command shares: the global options, the connection and the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from clients.address import Address, Tls, tcp_address, unix_address
from clients.cli.output import Output
from clients.client import Client

Command = TypeVar("Command", bound=Callable[..., Any])
_TLS: Final = ("tls_authority", "tls_certificate", "tls_key")


@dataclass
class Session:
    """State of one run of `speakerctl`. options: the values of the global options that were given."""

    output: Output
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def names_daemon(self) -> bool:
        """Whether the options name a daemon; otherwise it is the default one."""
        return not self.options.keys().isdisjoint({"socket", "address"})

    def connect(self) -> Client:
        """Return a client for the daemon that the options name."""
        return Client(self._address())

    def _address(self) -> Address:
        if "address" not in self.options:
            if any(name in self.options for name in _TLS):
                raise click.UsageError("the TLS files are for --address; a socket needs none.")
            return unix_address(self.options.get("socket"))
        if "socket" in self.options:
            raise click.UsageError("give either --socket or --address.")
        return tcp_address(self.options["address"], self._tls())

    def _tls(self) -> Tls | None:
        files = [self.options[name] for name in _TLS if name in self.options]
        if 0 < len(files) < len(_TLS):
            raise click.UsageError("give --tls-authority, --tls-certificate and --tls-key together.")
        return Tls(*files) if files else None


class _Name(click.ParamType[str]):
    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            self.fail("it is not valid UTF-8.", param, ctx)
        return value


NAME: Final = _Name()
"""The name of a speaker or a capture. What the shell hands over need not be text."""


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None:
        context.ensure_object(Session).options[str(parameter.name)] = value


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS: Final[Sequence[Callable[[Any], Any]]] = (
    click.option(
        "--socket",
        type=click.Path(path_type=Path),
        help="The daemon's unix socket; default: $SPEAKERD_SOCKET, else $XDG_RUNTIME_DIR/speakerd/speakerd.sock.",
        expose_value=False,
        callback=_keep,
    ),
    click.option(
        "--address", metavar="HOST:PORT", help="The daemon's TCP address; another machine needs TLS.", expose_value=False, callback=_keep
    ),
    click.option("--tls-authority", type=_FILE, help="PEM: who signs the daemon's certificate.", expose_value=False, callback=_keep),
    click.option("--tls-certificate", type=_FILE, help="PEM: your certificate.", expose_value=False, callback=_keep),
    click.option("--tls-key", type=_FILE, help="PEM: its key.", expose_value=False, callback=_keep),
)


def json_option(command: Command) -> Command:
    """Add --json. What it does is in `main`: it must hold for errors in the options, too."""
    return click.option("--json", is_flag=True, expose_value=False, help="Print one JSON object per line, errors too.")(command)


def name_argument(command: Command) -> Command:
    """Add NAME, a speaker's or a capture's."""
    return click.argument("name", type=NAME)(command)


def global_options(command: Command) -> Command:
    """Add --json and the daemon's address, so that they may stand before and after a command's name."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return json_option(command)
