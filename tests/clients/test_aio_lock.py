from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from queue import SimpleQueue

import pytest
import pytest_asyncio

from clients.address import UnixAddress
from clients.aio import AsyncClient
from clients.aio_lock import AsyncLock
from clients.lock_state import LockChange, LockConfig, LockReason
from tests.clients.capture_double import REJECT, CaptureDouble, CaptureServer

CONFIG = LockConfig("door", frozenset({"ada"}), hold=600.0)
OPENED = LockChange(True, LockReason.ACCEPTED, "ada")


@pytest_asyncio.fixture
async def client(capture_server: CaptureServer, address: UnixAddress) -> AsyncIterator[AsyncClient]:  # noqa: ARG001 - it is what answers
    async with AsyncClient(address) as client:
        yield client


@pytest.fixture
def changes() -> SimpleQueue[LockChange]:
    return SimpleQueue()


async def after(changes: SimpleQueue[LockChange]) -> LockChange:
    return await asyncio.to_thread(changes.get, timeout=60)


async def test_it_opens_and_locks(client: AsyncClient, captures: CaptureDouble, changes: SimpleQueue[LockChange]) -> None:
    lock = AsyncLock(client, CONFIG, changes.put)
    running = asyncio.create_task(lock.run())
    assert await after(changes) == LockChange(False, LockReason.STARTED)
    await asyncio.to_thread(captures.subscribed.acquire)
    captures.decide(speaker="ada")
    assert await after(changes) == OPENED
    assert lock.is_open
    captures.decide(REJECT)
    assert await after(changes) == LockChange(False, LockReason.OTHER_VOICE)

    lock.close()
    await asyncio.wait_for(running, 60)
    assert await after(changes) == LockChange(False, LockReason.CLOSED)


async def test_cancelling_locks_it(client: AsyncClient, captures: CaptureDouble, changes: SimpleQueue[LockChange]) -> None:
    running = asyncio.create_task(AsyncLock(client, CONFIG, changes.put).run())
    await asyncio.to_thread(captures.subscribed.acquire)
    captures.decide(speaker="ada")
    assert [await after(changes), await after(changes)][1] == OPENED

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert changes.get_nowait() == LockChange(False, LockReason.CLOSED)


async def test_an_event_loop_that_hangs_locks_it(client: AsyncClient, captures: CaptureDouble, changes: SimpleQueue[LockChange]) -> None:
    lock = AsyncLock(client, LockConfig("door", frozenset({"ada"}), hold=600.0, heartbeat=0.4), changes.put)
    running = asyncio.create_task(lock.run())
    await asyncio.to_thread(captures.subscribed.acquire)
    captures.decide(speaker="ada")
    assert [await after(changes), await after(changes)][1] == OPENED
    await asyncio.sleep(1.0)
    assert lock.is_open, "it beats"

    time.sleep(1.0)  # noqa: ASYNC251 - that is what is tested

    assert changes.get_nowait() == LockChange(False, LockReason.NO_HEARTBEAT)
    lock.close()
    await running


async def test_what_fails_is_raised(client: AsyncClient, changes: SimpleQueue[LockChange]) -> None:
    def jam(change: LockChange) -> None:
        changes.put(change)
        if change.reason is LockReason.STARTED:
            raise OSError("the bolt jams")

    with pytest.raises(OSError, match="the bolt jams"):
        await AsyncLock(client, CONFIG, jam).run()

    assert [changes.get_nowait().reason for _ in range(2)] == [LockReason.STARTED, LockReason.FAILED]
