from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from daemon.config import TlsConfig
from daemon.errors import ConfigError, SocketInUseError
from daemon.server.address import MAX_SOCKET_PATH, claimed, listen_on_socket, listen_on_tcp
from tests.daemon.server.certificates import identity
from tests.daemon.server.harness import short_directory


@pytest.fixture
def directory() -> Iterator[Path]:
    with short_directory() as made:
        yield made


@pytest.fixture
async def server() -> AsyncIterator[grpc.aio.Server]:
    created = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    yield created
    await created.start()
    await created.stop(None)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_directory_of_the_socket_is_the_users_alone(directory: Path) -> None:
    with claimed(directory / "new" / "speakerd" / "s.sock"):
        assert mode(directory / "new" / "speakerd") == 0o700


async def test_the_socket_is_the_users_alone(directory: Path, server: grpc.aio.Server) -> None:
    before = os.umask(0)
    os.umask(before)
    with claimed(directory / "s.sock"):
        assert listen_on_socket(server, directory / "s.sock") == f"unix:{directory}/s.sock"
        assert mode(directory / "s.sock") == 0o600
    assert os.umask(before) == before


async def test_the_socket_is_gone_in_the_end(directory: Path, server: grpc.aio.Server) -> None:
    with claimed(directory / "s.sock"):
        listen_on_socket(server, directory / "s.sock")
    assert not (directory / "s.sock").exists()


def test_a_claimed_path_is_in_use(directory: Path) -> None:
    with claimed(directory / "s.sock"), pytest.raises(SocketInUseError, match="another daemon listens"), claimed(directory / "s.sock"):
        pass


def test_a_path_can_be_claimed_again(directory: Path) -> None:
    for _ in range(2):
        with claimed(directory / "s.sock"):
            pass


def test_a_socket_of_another_program_is_in_use(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(os.fspath(directory / "s.sock"))
        other.listen()
        with pytest.raises(SocketInUseError), claimed(directory / "s.sock"):
            pass
        assert (directory / "s.sock").exists()


def test_a_socket_that_cannot_be_probed_is_in_use(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(os.fspath(directory / "s.sock"))
        with pytest.raises(SocketInUseError), claimed(directory / "s.sock"):
            pass
        assert (directory / "s.sock").exists()


def test_a_stale_socket_is_replaced(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(directory / "s.sock"))
    with claimed(directory / "s.sock"):
        assert not (directory / "s.sock").exists()


def test_the_claim_of_a_killed_process_is_void(directory: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom daemon.server.address import claimed\nwith claimed(Path(sys.argv[1])): os.abort()"
    )
    done = subprocess.run([sys.executable, "-c", script, directory / "s.sock"], check=False, capture_output=True)
    assert done.returncode < 0
    with claimed(directory / "s.sock"):
        pass


def test_a_file_is_never_deleted(directory: Path) -> None:
    (directory / "s.sock").write_text("precious")
    with pytest.raises(ConfigError, match="is not a socket: move it away"), claimed(directory / "s.sock"):
        pass
    assert (directory / "s.sock").read_text() == "precious"


def test_a_path_that_is_too_long_is_refused(directory: Path) -> None:
    name = "s" * (MAX_SOCKET_PATH - len(os.fsencode(directory)))
    with pytest.raises(ConfigError, match="longer than 107 bytes"), claimed(directory / name):
        pass


async def test_the_longest_path_works(directory: Path, server: grpc.aio.Server) -> None:
    path = directory / ("s" * (MAX_SOCKET_PATH - 1 - len(os.fsencode(directory))))
    with claimed(path):
        listen_on_socket(server, path)
        assert path.is_socket()


def test_a_directory_that_cannot_be_made_is_told(directory: Path) -> None:
    (directory / "file").touch()
    with pytest.raises(ConfigError, match="no socket can be made"), claimed(directory / "file" / "s.sock"):
        pass


async def test_a_port_is_chosen(server: grpc.aio.Server) -> None:
    host, _, port = listen_on_tcp(server, "127.0.0.1:0", None).rpartition(":")
    assert (host, 0 < int(port) <= 65_535) == ("127.0.0.1", True)


async def test_a_port_in_use_is_told(server: grpc.aio.Server) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SocketInUseError, match="cannot listen at 127"):
            listen_on_tcp(server, f"127.0.0.1:{other.getsockname()[1]}", None)


async def test_unusable_certificates_are_told(directory: Path, server: grpc.aio.Server) -> None:
    authority = identity("authority")
    certificate, _ = identity("daemon", authority).write(directory, "daemon")
    _, key = identity("another", authority).write(directory, "another")
    client_ca, _ = authority.write(directory, "authority")
    for tls in (
        TlsConfig(certificate=certificate, key=key, client_ca=client_ca),
        TlsConfig(certificate=directory / "missing", key=key, client_ca=client_ca),
        TlsConfig(certificate=certificate, key=directory / "daemon.key", client_ca=key),
    ):
        with pytest.raises(ConfigError, match=r"server\.tls cannot be used"):
            listen_on_tcp(server, "127.0.0.1:0", tls)
