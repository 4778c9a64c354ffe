"""Where the daemon listens, and that it is alone there."""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import grpc

from daemon.config import TlsConfig
from daemon.errors import ConfigError, SocketInUseError

MAX_SOCKET_PATH: Final = 107
"""Bytes of a unix socket's path that Linux allows."""
PROBE_SECONDS: Final = 1.0
"""Who listens but is too busy to answer a connection within this time listens all the same."""
_NOT_FOR_OTHERS: Final = 0o177


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Own the socket path while the block runs: what a killed daemon left there is removed before, the own socket after.

    Raises `SocketInUseError` if somebody listens there, `ConfigError` if no socket can be there.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise ConfigError(f"the socket path {path} is longer than {MAX_SOCKET_PATH} bytes: use a shorter one")
    with _locked(path):
        _remove_stale(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def listen_on_socket(server: grpc.aio.Server, path: Path) -> str:
    """Listen on a claimed path, for the user of this process alone; return the address. Raises `SocketInUseError`."""
    before = os.umask(_NOT_FOR_OTHERS)
    try:
        _listening(f"unix:{path}", server.add_insecure_port)
    finally:
        os.umask(before)
    return f"unix:{path}"


def listen_on_tcp(server: grpc.aio.Server, address: str, tls: TlsConfig | None) -> str:
    """Listen on a TCP address, "host:port"; return it with the port that was chosen if it is 0.

    Raises `SocketInUseError`, or `ConfigError` if the certificates of `tls` are unusable.
    """
    if tls is None:
        port = _listening(address, server.add_insecure_port)
    else:
        credentials = _credentials(tls)
        port = _listening(address, lambda target: server.add_secure_port(target, credentials))
    return f"{address.rpartition(':')[0]}:{port}"


def _listening(target: str, add_port: Callable[[str], int]) -> int:
    try:
        return add_port(target)
    except RuntimeError:
        raise SocketInUseError(f"cannot listen at {target}: another process does, or this machine has no such address") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock beside the path: the system releases it however this process ends."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"no socket can be made at {path}: {error.strerror}") from None
    try:
        _lock(lock, path)
        yield
    finally:
        os.close(lock)


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_use(path) from None


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{path} is not a socket: move it away, or set another server.socket")
    if _is_answered(path):
        raise _in_use(path)
    path.unlink()


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            # Whatever it is that hinders us, it is not certain that nobody listens.
            return True
    return True


def _credentials(tls: TlsConfig) -> grpc.ServerCredentials:
    try:
        # gRPC would only say that it cannot listen.
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trial.load_cert_chain(tls.certificate, tls.key)
        trial.load_verify_locations(tls.client_ca)
        certificate, key, authority = (path.read_bytes() for path in (tls.certificate, tls.key, tls.client_ca))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"server.tls cannot be used ({error}): its files must be PEM, and the key that of the certificate") from None
    return grpc.ssl_server_credentials([(key, certificate)], root_certificates=authority, require_client_auth=True)


def _in_use(path: Path) -> SocketInUseError:
    return SocketInUseError(f"another daemon listens at {path}: stop it, or choose another socket (--socket)")
