"""The Wyoming bridge as a process, between a satellite and a daemon, which are real processes too."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from clients.address import UnixAddress
from clients.capture_messages import AttemptDecided, CaptureChange, CaptureChanged, SubscribeConfig
from clients.client import Client
from clients.messages import Outcome
from tests.clients.examples.test_voice_lock import SLT, serving
from tests.daemon.process import DaemonProcess, daemon_process
from tests.daemon.server.harness import short_directory

BRIDGE = [sys.executable, "-m", "clients.examples.wyoming_satellite", "--capture", "kitchen"]
SATELLITE = [sys.executable, "-m", "tests.clients.examples.satellite"]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def fake() -> Iterator[DaemonProcess]:
    """A daemon that hears whatever it is sent."""
    with short_directory() as directory, daemon_process(directory) as daemon:
        daemon.ready()
        yield daemon


@contextmanager
def satellite(port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*SATELLITE, str(port), str(SLT[3]), *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listening\n"
            yield process
        finally:
            process.kill()


@contextmanager
def bridging(daemon: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]:
    """Yield a bridge and what it prints."""
    command = [*BRIDGE, "--socket", str(daemon), "--uri", f"tcp://localhost:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process, process.stdout, process.stderr
        finally:
            process.kill()


def test_who_speaks_in_the_kitchen_is_recognised(port: int) -> None:
    with (
        serving() as daemon,
        Client(UnixAddress(daemon.socket)) as client,
        closing(client.subscribe(SubscribeConfig(["kitchen"], decisions_only=True))) as events,
        bridging(daemon.socket, port) as (process, lines, errors),
    ):
        next(events)
        assert errors.readline() == (absent := f"no satellite answers at tcp://localhost:{port}; trying again\n")
        with satellite(port):
            told = []
            for event in events:
                told.append(event.event)
                if isinstance(event.event, CaptureChanged) and event.event.change is CaptureChange.STOPPED:
                    break
            first = next(news.decision for news in told if isinstance(news, AttemptDecided))
            assert (first.outcome, first.speaker) == (Outcome.ACCEPT, "slt")
            printed = [lines.readline() for _ in range(3)]
            assert printed == [
                f"connected to tcp://localhost:{port}\n",
                "kitchen: audio comes, 16000 Hz\n",
                "kitchen: ACCEPT slt: the voice fits\n",
            ]
        while (line := lines.readline()) != "kitchen: audio ended\n":
            assert line.startswith("kitchen: ")
        while (line := errors.readline()) != "the satellite ended the connection; trying again\n":
            assert line == absent

        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "ended\n")


def test_a_satellite_that_grows_silent_ends_the_capture(port: int, fake: DaemonProcess) -> None:
    with satellite(port, "--silent-end"), bridging(fake.socket, port) as (process, lines, _):
        while lines.readline() != "kitchen: audio ended\n":
            pass
        assert captures(fake) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_a_satellite_that_hangs_ends_the_capture(port: int, fake: DaemonProcess) -> None:
    with satellite(port, "--repeat") as frozen, bridging(fake.socket, port) as (_, lines, errors):
        until_it_comes(lines)
        frozen.send_signal(signal.SIGSTOP)
        assert errors.readline() == "the satellite no longer answers; trying again\n"
        while captures(fake):
            pass
        frozen.send_signal(signal.SIGCONT)
        until_it_comes(lines)


def test_a_daemon_that_is_lost_is_tried_again(port: int) -> None:
    with (
        short_directory() as directory,
        satellite(port, "--repeat"),
        daemon_process(directory) as daemon,
        bridging(daemon.socket, port) as (_, lines, errors),
    ):
        daemon.ready()
        until_it_comes(lines)
        daemon.kill()
        assert "trying again" in errors.readline()
        with daemon_process(directory) as again:
            again.ready()
            until_it_comes(lines)


def test_what_cannot_be_mended_ends_it(port: int, fake: DaemonProcess) -> None:
    with satellite(port, "--width", "1"), bridging(fake.socket, port) as (process, _, errors):
        assert errors.readline() == "Error: the satellite sends samples of 8 bits: let it send 16\n"
        assert process.wait(timeout=60) == 1
    done = subprocess.run([*BRIDGE, "--uri", "kitchen:10700"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--uri" in done.stderr


def until_it_comes(lines: IO[str]) -> None:
    while lines.readline() != "kitchen: audio comes, 16000 Hz\n":
        pass


def captures(daemon: DaemonProcess) -> list[str]:
    with Client(UnixAddress(daemon.socket)) as client:
        return [capture.name for capture in client.captures()]
