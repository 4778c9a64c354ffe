"""A voice lock that fails closed.

>>> with Client() as client:
...     Lock(client, LockConfig("door", frozenset({"ada"})), actuate=lambda change: bolt.set(open=change.is_open)).run()

What it cannot do: lock when its process is killed. Let the bolt need the process, as one that is open only while it is powered.
"""

from __future__ import annotations

import atexit
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from clients.capture_messages import SubscribeConfig
from clients.client import Client
from clients.lock_state import LockChange, LockConfig, LockReason, LockState
from clients.subscription import Subscription

Actuate = Callable[[LockChange], None]
"""Opens or locks. Must return soon, as what is heard meanwhile waits. Several threads call it, never two at once."""


class Lock:
    """Open only while a fresh, final ACCEPT of one of `config.speakers` holds.

    It locks when the hold is over, and at once when another voice is decided, if so configured; when the daemon or the capture is lost,
    stalls, is muted or loses audio; when events may have been missed; when the heartbeat stops; and at any error, of `actuate` too. A
    decision that is replayed, late or out of order never opens it.

    The first change that `actuate` is told is that it is locked (STARTED), and so is the last (CLOSED or FAILED).
    """

    def __init__(self, client: Client, config: LockConfig, actuate: Actuate = lambda _change: None) -> None:
        self._actuate = actuate
        self._state = LockState(config)
        self._subscription = Subscription(client, SubscribeConfig((config.capture,), decisions_only=True))
        self._turn = threading.Condition()
        self._acting = False
        self._ended = threading.Event()
        self._failure: BaseException | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is open at this moment: it is not once an acceptance no longer holds, even if everything else hangs."""
        return not self._ended.is_set() and self._state.is_open(time.monotonic())

    def beat(self) -> None:
        """Say that the program around the lock runs as it should; needed if `config.heartbeat` is given."""
        self._state.beat(time.monotonic())

    def run(self) -> None:
        """Open and lock until it is closed. Raises what a subscription and `actuate` do, after it locked; can be run once."""
        reader = threading.Thread(target=self._listen, name="lock", daemon=True)
        # Threads of a program that ends are stopped where they are.
        atexit.register(self.close)
        try:
            with self._turn:
                self._tell(LockChange(False, LockReason.STARTED))
                reader.start()
                self._watch()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it locks; it is raised below
            self._end(error)
        finally:
            self.close()
            atexit.unregister(self.close)
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Lock, and end `run`; any thread may."""
        self._end(None)

    def _watch(self) -> None:
        while not self._ended.is_set():
            remaining = self._state.deadline - time.monotonic()
            self._turn.wait(None if math.isinf(remaining) else max(remaining, 0.0))
            self._tell(self._state.pass_time(time.monotonic()))

    def _listen(self) -> None:
        try:
            for event in self._subscription:
                with self._turn:
                    self._tell(self._state.pass_time(time.monotonic()))
                    self._tell(self._state.hear(event, datetime.now(UTC), time.monotonic()))
                    self._turn.notify_all()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it locks; `run` raises it
            self._end(error)
        else:
            self._end(None)

    def _tell(self, change: LockChange | None) -> None:
        if change is None or self._ended.is_set():
            return
        self._acting = True
        try:
            self._actuate(change)
        except BaseException as error:
            self._failure = self._failure or error
            raise
        finally:
            self._acting = False
            # `actuate`, or a signal while it ran, closed the lock.
            if self._ended.is_set():
                self._lock_at_last()

    def _end(self, failure: BaseException | None) -> None:
        with self._turn:
            if self._ended.is_set():
                return
            self._ended.set()
            self._failure = self._failure or failure
            self._state.lock(LockReason.CLOSED)
            if not self._acting:
                self._lock_at_last()
            self._turn.notify_all()
        self._subscription.close()

    def _lock_at_last(self) -> None:
        try:
            self._actuate(LockChange(False, LockReason.FAILED if self._failure else LockReason.CLOSED))
        except BaseException as error:  # noqa: BLE001 - `run` raises it
            self._failure = self._failure or error
