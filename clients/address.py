"""Where the daemon listens: a unix socket by default, or host and port."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_state_path

from clients.errors import AddressError

_MAX_SOCKET_PATH: Final = 107
"""Bytes of a unix socket's path that Linux allows."""
_MAX_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM for mutual TLS. authority: the certificate that the daemon's is signed with."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket of this machine."""

    socket: Path

    @property
    def target(self) -> str:
        """The address as gRPC writes it."""
        return f"unix:{self.socket}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A port. tls: may only be left out on this machine."""

    host: str
    port: int
    tls: Tls | None = None

    @property
    def target(self) -> str:
        """The address as gRPC writes it."""
        return f"dns:///[{self.host}]:{self.port}" if ":" in self.host else f"dns:///{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it stays on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


Address = UnixAddress | TcpAddress


def default_socket(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the daemon listens unless told otherwise; `speakerd serve` uses the same rule.

    $SPEAKERD_SOCKET, else speakerd/speakerd.sock below $XDG_RUNTIME_DIR, else the user's state directory.
    """
    if chosen := environment.get("SPEAKERD_SOCKET"):
        return Path(chosen)
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        return Path(runtime, "speakerd", "speakerd.sock")
    return user_state_path("speakerd") / "speakerd.sock"


def unix_address(socket: Path | None = None) -> UnixAddress:
    """Return the address of a socket, by default the default one. Raises `AddressError` if its path is too long."""
    path = (default_socket() if socket is None else socket).expanduser().absolute()
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH:
        raise AddressError(f"the socket path {path} is longer than {_MAX_SOCKET_PATH} bytes; use a shorter one")
    return UnixAddress(path)


def tcp_address(text: str, tls: Tls | None = None) -> TcpAddress:
    """Read "host:port" or "[IPv6]:port". Raises `AddressError` if it is neither, or if another machine is to be used without TLS."""
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (separator and host and port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT):
        raise AddressError(f"{text!r} is not an address; write host:port, as in 127.0.0.1:50051")
    address = TcpAddress(host, int(port), tls)
    if tls is None and not address.is_loopback:
        raise AddressError(f"{text} is another machine, so voices would travel readable; give the TLS authority, certificate and key")
    return address
