from __future__ import annotations

from pathlib import Path

import pytest

from clients.address import TcpAddress, Tls, UnixAddress, default_socket, tcp_address, unix_address
from clients.errors import AddressError
from daemon.config import ServerConfig

TLS = Tls(Path("ca.pem"), Path("cert.pem"), Path("key.pem"))


@pytest.mark.parametrize("runtime", [None, "", "/run/user/1000"])
@pytest.mark.parametrize("state", [None, "/var/state"])
def test_the_default_socket_is_the_daemons(monkeypatch: pytest.MonkeyPatch, runtime: str | None, state: str | None) -> None:
    monkeypatch.delenv("SPEAKERD_SOCKET", raising=False)
    for name, value in (("XDG_RUNTIME_DIR", runtime), ("XDG_STATE_HOME", state)):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)

    assert default_socket() == ServerConfig().socket_path


def test_the_environment_names_the_socket() -> None:
    environment = {"SPEAKERD_SOCKET": "/srv/speakerd.sock", "XDG_RUNTIME_DIR": "/run/user/1000"}

    assert default_socket(environment) == Path("/srv/speakerd.sock")


def test_unix_address_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKERD_SOCKET", "/srv/speakerd.sock")
    monkeypatch.chdir("/srv")

    assert unix_address() == UnixAddress(Path("/srv/speakerd.sock"))
    assert unix_address(Path("other.sock")).target == "unix:/srv/other.sock"


def test_a_socket_path_that_no_system_takes_is_refused() -> None:
    with pytest.raises(AddressError, match="longer than 107 bytes"):
        unix_address(Path("/", "d" * 107))


@pytest.mark.parametrize(
    ("text", "expected", "target"),
    [
        ("127.0.0.1:50051", TcpAddress("127.0.0.1", 50051), "dns:///127.0.0.1:50051"),
        ("localhost:1", TcpAddress("localhost", 1), "dns:///localhost:1"),
        ("[::1]:65535", TcpAddress("::1", 65535), "dns:///[::1]:65535"),
    ],
)
def test_tcp_address_on_this_machine_needs_no_tls(text: str, expected: TcpAddress, target: str) -> None:
    assert tcp_address(text) == expected
    assert expected.target == target


@pytest.mark.parametrize("text", ["", "host", ":50051", "host:", "host:x", "host:0", "host:65536", "host:-1", "host:²"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match="is not an address; write host:port"):
        tcp_address(text, TLS)


@pytest.mark.parametrize("text", ["voice.example:50051", "10.0.0.1:50051", "0.0.0.0:50051"])
def test_another_machine_needs_tls(text: str) -> None:
    with pytest.raises(AddressError, match="give the TLS authority, certificate and key"):
        tcp_address(text)

    assert tcp_address(text, TLS).tls == TLS
