"""Exit statuses of `speakerctl`: a script reads the verdict from them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from clients.errors import AddressError, AudioFileError, ClientError, DemoDataError, ScenarioError, UnreachableError
from clients.messages import Outcome


class Exit(IntEnum):
    """Exit statuses; what each says to a person is its help."""

    OK = 0
    REJECTED = 1
    USAGE = 2
    UNDECIDED = 3
    UNREACHABLE = 4
    REFUSED = 5
    FAILED = 6
    INTERRUPTED = 130


HELP: Final = """\b
Exit status:
  0  accepted, or done
  1  rejected (demo, replay: something came out otherwise than expected)
  2  usage: an unknown option, an unreadable file, an invalid scenario, an impossible address
  3  undecided or ambiguous
  4  the daemon is not reachable
  5  the daemon refused: a failed check, an unknown speaker, a limit, ...
  6  speakerctl itself failed, as when its output cannot be written
"""

_OUTCOMES: Final = {
    Outcome.ACCEPT: Exit.OK,
    Outcome.REJECT: Exit.REJECTED,
    Outcome.UNDECIDED: Exit.UNDECIDED,
    Outcome.AMBIGUOUS: Exit.UNDECIDED,
}


def exit_of_outcome(outcome: Outcome) -> Exit:
    """Return the exit status that tells of a final decision."""
    return _OUTCOMES[outcome]


def exit_of_error(error: ClientError) -> Exit:
    """Return the exit status that tells of an error."""
    if isinstance(error, (AudioFileError, AddressError, DemoDataError, ScenarioError)):
        return Exit.USAGE
    return Exit.UNREACHABLE if isinstance(error, UnreachableError) else Exit.REFUSED
