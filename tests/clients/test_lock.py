from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import grpc
import pytest

from clients.address import UnixAddress
from clients.client import Client
from clients.errors import InvalidRequestError
from clients.lock import Lock
from clients.lock_state import LockChange, LockConfig, LockReason
from proto.speakerd.v1 import capture_event_pb2, captures_pb2
from tests.clients.capture_double import REJECT, CaptureDouble, CaptureServer
from tests.clients.double import failure

CONFIG = LockConfig("door", frozenset({"ada"}), hold=600.0)
OPENED = LockChange(True, LockReason.ACCEPTED, "ada")


class Bolt:
    """What a lock moves. Each change is awaited by the test; the lock runs in a thread of its own."""

    def __init__(self, client: Client, config: LockConfig = CONFIG, react: Callable[[LockChange], None] = lambda _change: None) -> None:
        self._changes: SimpleQueue[LockChange] = SimpleQueue()
        self._react = react
        self.lock = Lock(client, config, self._move)
        self.failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self.next() == LockChange(False, LockReason.STARTED)
        assert not self.lock.is_open

    def next(self) -> LockChange:
        change = self._changes.get(timeout=60)
        # An acceptance may be over by now.
        assert change.is_open or not self.lock.is_open
        return change

    def end(self) -> None:
        """Wait until it has ended by itself."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self._changes.empty()
        assert not self.lock.is_open

    def _run(self) -> None:
        try:
            self.lock.run()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.failures.append(error)

    def _move(self, change: LockChange) -> None:
        self._changes.put(change)
        self._react(change)


@pytest.fixture
def client(capture_server: CaptureServer, address: UnixAddress, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:  # noqa: ARG001 - it is what answers
    monkeypatch.setattr("clients.subscription.FIRST_RETRY", 0.01)
    with Client(address) as client:
        yield client


@pytest.fixture
def bolt(client: Client, captures: CaptureDouble) -> Iterator[Bolt]:
    """One whose lock hears the capture."""
    bolt = Bolt(client)
    bolt.start()
    captures.subscribed.acquire()
    yield bolt
    bolt.lock.close()


def test_it_opens_locks_on_another_voice_and_ends_locked(bolt: Bolt, captures: CaptureDouble) -> None:
    captures.decide(speaker="ada")
    assert bolt.next() == OPENED
    assert bolt.lock.is_open
    captures.decide(REJECT, speaker="ada")
    assert bolt.next() == LockChange(False, LockReason.OTHER_VOICE)
    captures.decide(speaker="ada")
    assert bolt.next() == OPENED
    bolt.lock.close()
    assert bolt.next() == LockChange(False, LockReason.CLOSED)
    bolt.end()
    assert not bolt.failures
    assert captures.requests[0].decisions_only
    assert list(captures.requests[0].captures) == ["door"]


def test_only_a_fresh_decision_opens_it(bolt: Bolt, captures: CaptureDouble) -> None:
    captures.decide(speaker="ada", age=6.0, lifetime=5.0)
    captures.decide(speaker="bob")
    captures.decide(speaker="ada")

    assert bolt.next() == OPENED
    assert not captures.ended.is_set()


def test_it_locks_when_the_hold_is_over(client: Client, captures: CaptureDouble) -> None:
    bolt = Bolt(client, LockConfig("door", frozenset({"ada"}), hold=0.05))
    bolt.start()
    captures.subscribed.acquire()
    captures.decide(speaker="ada")

    assert bolt.next() == OPENED
    assert bolt.next() == LockChange(False, LockReason.HOLD_OVER)
    bolt.lock.close()


def test_a_lost_connection_locks_it(bolt: Bolt, captures: CaptureDouble, capture_server: CaptureServer) -> None:
    captures.decide(speaker="ada")
    assert bolt.next() == OPENED

    capture_server.stop()
    assert bolt.next() == LockChange(False, LockReason.DISCONNECTED)
    capture_server.start()
    captures.subscribed.acquire()
    captures.decide(speaker="ada")
    assert bolt.next() == OPENED


def test_a_lost_capture_locks_it(bolt: Bolt, captures: CaptureDouble) -> None:
    captures.decide(speaker="ada")
    assert bolt.next() == OPENED

    captures.change(capture_event_pb2.CAPTURE_CHANGE_LOST, captures_pb2.CAPTURE_STATE_WAITING)
    assert bolt.next() == LockChange(False, LockReason.CAPTURE_LOST)


def test_what_the_daemon_refuses_ends_it(client: Client, captures: CaptureDouble) -> None:
    captures.failure = failure(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME", "the name is too long")
    bolt = Bolt(client)
    bolt.start()

    assert bolt.next() == LockChange(False, LockReason.FAILED)
    bolt.end()
    assert isinstance(bolt.failures[0], InvalidRequestError)


def test_a_bolt_that_fails_to_open_is_locked(client: Client, captures: CaptureDouble) -> None:
    def jam(change: LockChange) -> None:
        if change.is_open:
            raise OSError("the bolt jams")

    bolt = Bolt(client, react=jam)
    bolt.start()
    captures.subscribed.acquire()
    captures.decide(speaker="ada")

    assert bolt.next() == OPENED
    assert bolt.next() == LockChange(False, LockReason.FAILED)
    bolt.end()
    assert str(bolt.failures[0]) == "the bolt jams"


def test_a_bolt_that_fails_to_lock_is_locked_again(client: Client, captures: CaptureDouble) -> None:
    def jam(change: LockChange) -> None:
        if change.reason is LockReason.OTHER_VOICE:
            raise OSError("the bolt jams")

    bolt = Bolt(client, react=jam)
    bolt.start()
    captures.subscribed.acquire()
    captures.decide(speaker="ada")
    captures.decide(REJECT)

    assert [bolt.next().reason for _ in range(3)] == [LockReason.ACCEPTED, LockReason.OTHER_VOICE, LockReason.FAILED]
    bolt.end()
    assert str(bolt.failures[0]) == "the bolt jams"


def test_closing_while_the_bolt_moves_leaves_it_locked(client: Client, captures: CaptureDouble) -> None:
    def close(change: LockChange) -> None:
        if change.is_open:
            bolts[0].lock.close()

    bolts = [bolt := Bolt(client, react=close)]
    bolt.start()
    captures.subscribed.acquire()
    captures.decide(speaker="ada")

    assert bolt.next() == OPENED
    assert bolt.next() == LockChange(False, LockReason.CLOSED)
    bolt.end()


def test_a_bolt_that_fails_after_it_was_closed_is_told(client: Client, captures: CaptureDouble) -> None:
    def jam(change: LockChange) -> None:
        if change.is_open:
            bolts[0].lock.close()
            raise OSError("the bolt jams")

    bolts = [bolt := Bolt(client, react=jam)]
    bolt.start()
    captures.subscribed.acquire()
    captures.decide(speaker="ada")

    assert bolt.next() == OPENED
    assert bolt.next() == LockChange(False, LockReason.FAILED)
    bolt.end()
    assert str(bolt.failures[0]) == "the bolt jams"


def test_a_bolt_that_hangs_is_not_said_to_be_open_for_longer_than_the_hold(client: Client, captures: CaptureDouble) -> None:
    hanging = threading.Event()

    def hang(change: LockChange) -> None:
        if change.is_open:
            hanging.wait()

    bolt = Bolt(client, LockConfig("door", frozenset({"ada"}), hold=0.2), hang)
    bolt.start()
    captures.subscribed.acquire()
    captures.decide(speaker="ada")

    assert bolt.next() == OPENED
    deadline = time.monotonic() + 60
    while bolt.lock.is_open and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not bolt.lock.is_open
    hanging.set()
    assert bolt.next() == LockChange(False, LockReason.HOLD_OVER)
    bolt.lock.close()


def test_a_heartbeat_that_stops_locks_it(client: Client, captures: CaptureDouble) -> None:
    bolt = Bolt(client, LockConfig("door", frozenset({"ada"}), hold=600.0, heartbeat=0.3))
    bolt.start()
    captures.subscribed.acquire()
    bolt.lock.beat()
    captures.decide(speaker="ada")

    assert bolt.next() == OPENED
    assert bolt.next() == LockChange(False, LockReason.NO_HEARTBEAT)
    bolt.lock.close()


def test_one_that_is_closed_before_it_runs(client: Client) -> None:
    changes: list[LockChange] = []
    lock = Lock(client, CONFIG, changes.append)
    lock.close()
    lock.run()

    assert changes == [LockChange(False, LockReason.CLOSED)]


def test_nothing_is_left_behind(client: Client) -> None:
    def use() -> weakref.ref[Lock]:
        lock = Lock(client, CONFIG)
        threading.Timer(0.05, lock.close).start()
        lock.run()
        return weakref.ref(lock)

    left = use()
    for thread in threading.enumerate():
        if thread.name == "lock" or isinstance(thread, threading.Timer):
            thread.join(60)
    gc.collect()

    assert left() is None


PROGRAM = """
    import sys, threading
    from pathlib import Path
    from clients.address import UnixAddress
    from clients.client import Client
    from clients.lock import Lock
    from clients.lock_state import LockConfig

    opened = threading.Event()

    def move(change):
        print(change.reason.value, flush=True)
        if change.is_open:
            opened.set()

    lock = Lock(Client(UnixAddress(Path(sys.argv[1]))), LockConfig("door", frozenset({"ada"}), hold=600.0), move)
    threading.Thread(target=lock.run, daemon=True).start()
    opened.wait()
    ENDING
"""


@pytest.mark.usefixtures("capture_server")
@pytest.mark.parametrize("ending", ["pass", "raise ValueError", "sys.exit(3)"])
def test_a_program_that_ends_locks_it(captures: CaptureDouble, address: UnixAddress, ending: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM).replace("ENDING", ending), str(address.socket)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ) as process:
        captures.subscribed.acquire()
        captures.decide(speaker="ada")
        out, _ = process.communicate(timeout=60)

    assert out.split() == ["STARTED", "ACCEPTED", "CLOSED"]
