"""The voice lock for asyncio: it also locks when the event loop hangs or dies.

>>> async with AsyncClient() as client:
...     await AsyncLock(client, LockConfig("door", frozenset({"ada"})), actuate=lambda change: bolt.set(open=change.is_open)).run()
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from clients.aio import AsyncClient
from clients.client import Client
from clients.lock import Actuate, Lock
from clients.lock_state import LockConfig

HEARTBEAT: Final = 1.0
"""Seconds for which the event loop may hang before it locks, unless the config says otherwise."""
_BEATS: Final = 4
"""Beats in that time."""
_END_SECONDS: Final = 1.0


class AsyncLock:
    """As `clients.lock.Lock`, whose threads it runs in: `actuate` is called there, so that it locks without the event loop."""

    def __init__(self, client: AsyncClient, config: LockConfig, actuate: Actuate = lambda _change: None) -> None:
        self._heartbeat = config.heartbeat or HEARTBEAT
        self._client = Client(client.address)
        self._lock = Lock(self._client, replace(config, heartbeat=self._heartbeat), actuate)

    @property
    def is_open(self) -> bool:
        """Whether it is open at this moment."""
        return self._lock.is_open

    async def run(self) -> None:
        """Open and lock until it is closed or cancelled. Raises what `Lock.run` does."""
        ended: Future[None] = Future()
        thread = threading.Thread(target=self._run, args=[ended], name="lock", daemon=True)
        thread.start()
        try:
            await self._beat_until(asyncio.wrap_future(ended))
        finally:
            self.close()
            thread.join(_END_SECONDS)

    def close(self) -> None:
        """Lock, and end `run`."""
        self._lock.close()
        self._client.close()

    async def _beat_until(self, ended: asyncio.Future[None]) -> None:
        while not ended.done():
            self._lock.beat()
            await asyncio.wait([ended], timeout=self._heartbeat / _BEATS)
        ended.result()

    def _run(self, ended: Future[None]) -> None:
        try:
            self._lock.run()
        except BaseException as error:  # noqa: BLE001 - the task raises it
            ended.set_exception(error)
        else:
            ended.set_result(None)
