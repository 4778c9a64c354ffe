"""A subscription that outlives its connection: it reconnects, goes on where it was, and tells where something may be missing.

>>> with Client() as client, Subscription(client, SubscribeConfig(decisions_only=True)) as subscription:
...     for event in subscription:
...         print(event)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self

from clients.capture_messages import CaptureEvent, SubscribeConfig, Subscribed
from clients.client import Client
from clients.errors import ClientError, HistoryGoneError, LimitError, UnreachableError
from clients.stream import Stream

FIRST_RETRY: Final = 0.25
"""Seconds before a lost connection is tried again; each try that fails doubles them."""
LAST_RETRY: Final = 5.0
"""Seconds between two tries at most."""

_BROKEN: Final = frozenset({"ABORTED", "CANCELLED", "INTERNAL", "UNKNOWN"})
"""What gRPC itself says of a call that broke: the daemon gave no reason."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The subscription is interrupted: nothing is heard until the next `Subscribed`. It is tried again after `retry` seconds."""

    error: ClientError
    retry: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Events may be missing here. restarted: the daemon was started anew, so its sequences begin again."""

    restarted: bool


SubscriptionEvent = CaptureEvent | Disconnected | Gap


class Position:
    """How far a subscription was heard: where to go on, what was heard before, and what is missing."""

    def __init__(self, config: SubscribeConfig) -> None:
        self._config = config
        self._run_id, self._sequence = config.run_id, config.after
        self._gone = False

    def request(self) -> SubscribeConfig:
        """Return what to ask the daemon for next."""
        if self._gone:
            return replace(self._config, after=0, run_id="")
        return replace(self._config, after=self._sequence, run_id=self._run_id)

    def gone(self) -> None:
        """Begin now, as the daemon cannot go on from here; the gap is told once the subscription stands again."""
        self._gone = True

    def hear(self, event: CaptureEvent) -> Iterator[CaptureEvent | Gap]:
        """Yield what an event means to the subscriber: itself, perhaps after a gap, or nothing if it was heard before."""
        if isinstance(event.event, Subscribed):
            yield from self._subscribed(event.run_id, event.event.sequence)
        elif event.run_id != self._run_id or 0 < event.sequence <= self._sequence:
            return
        elif event.sequence:
            self._sequence = event.sequence
        yield event

    def _subscribed(self, run_id: str, newest: int) -> Iterator[Gap]:
        restarted = self._run_id not in {"", run_id}
        missing = self._gone or restarted or newest < self._sequence
        if missing:
            yield Gap(restarted)
        if missing or self._sequence == 0:
            self._sequence = newest
        self._run_id, self._gone = run_id, False


class Subscription:
    """An iterator over the events of a subscription, which any thread may close; it then ends.

    A lost connection yields `Disconnected`; it is tried again, with growing pauses, until the subscription is closed. It goes on after
    the last event that was heard; where the daemon cannot, it yields `Gap`. Raises what cannot be mended by trying again, such as
    `InvalidRequestError` and `CaptureNotFoundError`.
    """

    def __init__(self, client: Client, config: SubscribeConfig) -> None:
        self._client = client
        self._position = Position(config)
        self._closed = threading.Event()
        self._connecting = threading.Lock()
        self._stream: Stream[CaptureEvent] | None = None
        self._retry = FIRST_RETRY
        self._events = self._run()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> SubscriptionEvent:
        return next(self._events)

    def close(self) -> None:
        """End the subscription; a thread that waits for an event gets the end of the iteration."""
        with self._connecting:
            self._closed.set()
            if self._stream is not None:
                self._stream.close()

    def _run(self) -> Iterator[SubscriptionEvent]:
        while (stream := self._connect()) is not None:
            try:
                yield from self._read(stream)
                error: ClientError = UnreachableError("the daemon ended the subscription")
            except HistoryGoneError:
                self._position.gone()
                continue
            except ClientError as failure:
                error = failure
            if self._closed.is_set():
                return
            if not _may_pass(error):
                raise error
            yield Disconnected(error, self._retry)
            self._closed.wait(self._retry)
            self._retry = min(2 * self._retry, LAST_RETRY)

    def _connect(self) -> Stream[CaptureEvent] | None:
        with self._connecting:
            self._stream = None if self._closed.is_set() else self._client.subscribe(self._position.request())
            return self._stream

    def _read(self, stream: Stream[CaptureEvent]) -> Iterator[CaptureEvent | Gap]:
        for event in stream:
            self._retry = FIRST_RETRY
            for heard in self._position.hear(event):
                # What was on its way when it was closed is not heard any more.
                if self._closed.is_set():
                    return
                yield heard


def _may_pass(error: ClientError) -> bool:
    return isinstance(error, (UnreachableError, LimitError)) or error.reason in _BROKEN
