"""TLS to another machine, with certificates made here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients.address import Tls, UnixAddress, tcp_address
from clients.aio import AsyncClient
from clients.channel import channel_options
from clients.client import Client
from clients.errors import AddressError, UnreachableError
from tests.clients.double import Double, serving

Pair = tuple[bytes, bytes]
"""Key and certificate in PEM."""


def make_pair(name: str, signer: Pair | None = None) -> Pair:
    """Make a key and a certificate for `name`, which also is an authority unless it is signed by one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.load_pem_x509_certificate(signer[1]).subject if signer else subject
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    signing = serialization.load_pem_private_key(signer[0], None) if signer else key
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    certificate = builder.sign(signing, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, certificate.public_bytes(pem)


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_pair("authority")


@pytest.fixture
def tls(authority: Pair, tmp_path: Path) -> Tls:
    files = Tls(tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")
    key, certificate = make_pair("client", authority)
    files.authority.write_bytes(authority[1])
    files.certificate.write_bytes(certificate)
    files.key.write_bytes(key)
    return files


@pytest.fixture
def port(authority: Pair) -> Iterator[int]:
    """Port of a daemon's stand-in that demands a certificate."""
    credentials = grpc.ssl_server_credentials([make_pair("localhost", authority)], authority[1], require_client_auth=True)
    with serving(Double(), "127.0.0.1:0", credentials) as port:
        yield port


async def test_mutual_tls(port: int, tls: Tls) -> None:
    address = tcp_address(f"localhost:{port}", tls)

    with Client(address) as client:
        assert client.status().version == "1.2.3"
    async with AsyncClient(address) as other:
        assert (await other.status()).version == "1.2.3"


def test_a_daemon_of_another_authority_is_not_trusted(port: int, tls: Tls) -> None:
    tls.authority.write_bytes(make_pair("impostor")[1])

    with Client(tcp_address(f"localhost:{port}", tls)) as client, pytest.raises(UnreachableError, match="and its TLS files"):
        client.status()


def test_the_command_line_says_it_in_one_sentence(port: int, tls: Tls) -> None:
    tls.authority.write_bytes(make_pair("impostor")[1])
    files = ["--tls-authority", str(tls.authority), "--tls-certificate", str(tls.certificate), "--tls-key", str(tls.key)]
    command = [sys.executable, "-m", "clients", "status", "--address", f"localhost:{port}", *files]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("speakerctl: no daemon answers at localhost:")
    assert done.stderr.count("\n") == 1


def test_a_client_without_tls_is_not_let_in(port: int) -> None:
    with Client(tcp_address(f"localhost:{port}")) as client, pytest.raises(UnreachableError):
        client.status()


def test_tls_files_that_cannot_be_read_are_named(tls: Tls, tmp_path: Path) -> None:
    address = tcp_address("localhost:1", replace(tls, key=tmp_path / "nothing.pem"))

    with pytest.raises(AddressError, match=r"nothing\.pem cannot be read: No such file or directory"):
        Client(address)


def test_only_another_machine_may_be_behind_a_proxy(tls: Tls) -> None:
    local = [channel_options(UnixAddress(Path("/s"))), channel_options(tcp_address("localhost:1"))]
    remote = channel_options(tcp_address("voice.example:1", tls))

    assert [dict(options)["grpc.enable_http_proxy"] for options in (*local, remote)] == [0, 0, 1]
