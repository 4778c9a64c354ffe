"""What the clients know about gRPC: channel settings and the reading of errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, cast

import grpc

from clients.address import Address, TcpAddress, Tls, UnixAddress
from clients.errors import AddressError, ClientError, UnreachableError, daemon_error

TIMEOUT: Final = 10.0
"""Seconds that a single answer may take."""

_MAX_MESSAGE: Final = 1024 * 1024
_FIRST_RECONNECT_MS: Final = 250
_LAST_RECONNECT_MS: Final = 5_000
_KEEPALIVE_MS: Final = 120_000
_KEEPALIVE_TIMEOUT_MS: Final = 20_000
_DETAILS: Final = "grpc-status-details-bin"
_NO_ANSWER: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})

Options = Sequence[tuple[str, int]]


class _Failure(Protocol):
    """What the `grpc.RpcError` of a call has; its type does not say so."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Sequence[tuple[str, str | bytes]] | None: ...


def channel_options(address: Address) -> Options:
    """Return the settings of a channel to `address`."""
    local = isinstance(address, UnixAddress) or address.is_loopback
    # gRPC would send even a unix socket's traffic through $http_proxy.
    return [
        ("grpc.max_receive_message_length", _MAX_MESSAGE),
        ("grpc.enable_http_proxy", 0 if local else 1),
        # A daemon that was started again is found at once, not after gRPC's two minutes.
        ("grpc.initial_reconnect_backoff_ms", _FIRST_RECONNECT_MS),
        ("grpc.min_reconnect_backoff_ms", _LAST_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _LAST_RECONNECT_MS),
        # A subscription that hears nothing learns that the other machine is gone.
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.max_pings_without_data", 0),
    ]


def channel_credentials(address: Address) -> grpc.ChannelCredentials | None:
    """Return the TLS credentials for `address`, None for one without. Raises `AddressError` if a file cannot be read."""
    if not isinstance(address, TcpAddress) or address.tls is None:
        return None
    return _credentials(address.tls)


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    try:
        authority, key, certificate = (path.read_bytes() for path in (tls.authority, tls.key, tls.certificate))
    except OSError as error:
        raise AddressError(f"the TLS file {error.filename} cannot be read: {error.strerror}") from error
    return grpc.ssl_channel_credentials(authority, key, certificate)


@contextmanager
def client_errors(address: Address) -> Iterator[None]:
    """Turn gRPC's errors into the client's own."""
    try:
        yield
    except grpc.RpcError as error:
        raise _translated(cast("_Failure", error), address) from error


def _translated(failure: _Failure, address: Address) -> ClientError:
    details = next((value for key, value in failure.trailing_metadata() or () if key == _DETAILS), b"")
    if not details and failure.code() in _NO_ANSWER:
        return _unreachable(address, failure.details() or "")
    return daemon_error(failure.code().name, failure.details() or "", details if isinstance(details, bytes) else b"")


def _unreachable(address: Address, details: str) -> UnreachableError:
    if isinstance(address, UnixAddress):
        sentence = f"no daemon answers at {address.socket}: start it with `speakerd serve`, or name its socket (--socket, $SPEAKERD_SOCKET)"
    else:
        sentence = f"no daemon answers at {address.host}:{address.port}: check the address, whether it runs there, and its TLS files"
    return UnreachableError(sentence, metadata={"address": address.target, "details": details})
