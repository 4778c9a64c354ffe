"""The interface of what `speakerctl` prints."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

from clients.capture_messages import Capture, Device
from clients.demo.streams import StreamResult
from clients.messages import EnrollmentEvent, Speaker, Status, VerificationEvent
from clients.scenarios.report import Attempt, Report
from clients.scenarios.timeline import Timeline
from clients.subscription import SubscriptionEvent

Event = VerificationEvent | EnrollmentEvent | SubscriptionEvent
Item = Event | Speaker | Status | Capture | Device | StreamResult | Timeline | Attempt | Report


class Output(Protocol):
    """Where commands put what they have to say."""

    @property
    def watched(self) -> bool:
        """Whether somebody looks on."""
        ...

    def live(self) -> AbstractContextManager[object]:
        """Show progress within the returned context."""
        ...

    def event(self, event: Event) -> None:
        """Show an event of the stream that the user asked for."""
        ...

    def progress(self, event: Event, label: str) -> None:
        """Show an event that only matters until the next one; `label` says what it is about."""
        ...

    def note(self, text: str) -> None:
        """Show a line for people."""
        ...

    def show(self, item: Item) -> None:
        """Show a result."""
        ...

    def deleted(self, name: str) -> None:
        """Show that a speaker is forgotten."""
        ...

    def error(self, reason: str, message: str) -> None:
        """Show an error beyond its sentence on stderr."""
        ...


def leave_unread() -> NoReturn:
    """End the process, whose output nobody reads any more, with the status of one that SIGPIPE ended."""
    # What is still to be printed goes nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)
