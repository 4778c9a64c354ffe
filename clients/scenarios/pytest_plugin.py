"""pytest's fixtures for scenarios, so that a project's own tests can play them.

pytest loads this module in every run wherever speakerd is installed: what it needs is imported once a test uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from clients.address import Address
    from clients.scenarios.report import Report

# ruff: noqa: PLC0415 - as above


class Play(Protocol):
    """What `speakerd_scenario` is."""

    def __call__(self, path: str | Path, *, realtime: bool = False) -> Report:
        """Play a scenario, whose path starts from the test's directory, and return what came of it."""
        ...


@pytest.fixture(scope="session")
def speakerd_config() -> str:
    """Settings of the daemon, as in config.yaml. Override it to test with others than the defaults."""
    return ""


@pytest.fixture(scope="session")
def speakerd_daemon(speakerd_config: str) -> Iterator[Address]:
    """Address of a daemon of the test run's own, which leaves nothing behind. Override it to test with one that runs."""
    from clients.demo.process import private_daemon

    with private_daemon(speakerd_config) as address:
        yield address


@pytest.fixture
def speakerd_scenario(request: pytest.FixtureRequest, speakerd_daemon: Address) -> Play:
    """Play a scenario: `speakerd_scenario("door.yaml").assert_passed()`."""
    from clients.client import Client
    from clients.scenarios import load_scenario, replay

    def play(path: str | Path, *, realtime: bool = False) -> Report:
        with Client(speakerd_daemon) as client:
            return replay(client, load_scenario(request.path.parent / path), realtime=realtime)

    return play
