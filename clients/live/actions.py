"""What the live screen has done by the daemon: in threads, whose outcome comes back as messages."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from clients.client import Client
from clients.errors import ClientError
from clients.live.model import Command, Delete, Deleted, Enroll, EnrollmentFailed, Failed, GiveUp, Known, ListSpeakers, Message
from clients.messages import EnrollConfig, EnrollmentEvent
from clients.stream import Stream


class Actions:
    """Carries out commands. inbox: where the outcome goes."""

    def __init__(self, client: Client, capture: str, inbox: SimpleQueue[Message]) -> None:
        self._client = client
        self._capture = capture
        self._inbox = inbox
        self._enrollment: Stream[EnrollmentEvent] | None = None

    def carry_out(self, command: Command) -> None:
        """Begin with a command; return at once."""
        match command:
            case Enroll():
                self.close()
                config = EnrollConfig(command.name, command.mode)
                self._enrollment = self._client.enroll_from_capture(self._capture, config)
                _start(self._enroll, self._enrollment)
            case GiveUp():
                self.close()
            case Delete():
                _start(self._delete, command.name)
            case ListSpeakers():
                _start(self._list)

    def close(self) -> None:
        """End the enrollment that goes on, if any."""
        stream, self._enrollment = self._enrollment, None
        if stream is not None:
            stream.close()

    def _enroll(self, stream: Stream[EnrollmentEvent]) -> None:
        try:
            for event in stream:
                self._inbox.put(event)
        except ClientError as error:
            if stream is self._enrollment:
                self._inbox.put(EnrollmentFailed(str(error)))

    def _delete(self, name: str) -> None:
        try:
            self._client.delete(name)
            self._inbox.put(Deleted(name))
        except ClientError as error:
            self._inbox.put(Failed(str(error)))

    def _list(self) -> None:
        try:
            self._inbox.put(Known(tuple(speaker.name for speaker in self._client.speakers())))
        except ClientError as error:
            self._inbox.put(Failed(str(error)))


def _start(work: Callable[..., None], *arguments: object) -> None:
    # It does not keep the process from ending.
    Thread(target=work, args=arguments, name="action", daemon=True).start()
