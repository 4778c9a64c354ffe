from __future__ import annotations

import pytest

from clients.cli.exits import HELP, Exit, exit_of_error, exit_of_outcome
from clients.errors import (
    AddressError,
    AudioFileError,
    ClientError,
    DaemonError,
    DemoDataError,
    ProtocolError,
    ScenarioError,
    UnreachableError,
)
from clients.messages import Outcome


def test_only_acceptance_is_success() -> None:
    assert {outcome: int(exit_of_outcome(outcome)) for outcome in Outcome} == {
        Outcome.ACCEPT: 0,
        Outcome.REJECT: 1,
        Outcome.UNDECIDED: 3,
        Outcome.AMBIGUOUS: 3,
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AudioFileError("x"), 2),
        (AddressError("x"), 2),
        (DemoDataError("x"), 2),
        (ScenarioError("x"), 2),
        (UnreachableError("x"), 4),
        (DaemonError("x"), 5),
        (ProtocolError("x"), 5),
    ],
)
def test_errors(error: ClientError, status: int) -> None:
    assert exit_of_error(error) == status


def test_the_help_names_every_status_but_the_shells_own() -> None:
    documented = {int(line.split()[0]) for line in HELP.splitlines()[2:]}

    assert documented == {int(status) for status in Exit} - {Exit.INTERRUPTED}
