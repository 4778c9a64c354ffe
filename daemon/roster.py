"""Who is enrolled now, for those who hear for so long that it changes meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from daemon.errors import StorageError
from daemon.speakers import Speaker
from daemon.store.voiceprints import VoiceprintStore

Follower = Callable[[tuple[Speaker, ...]], None]


class Roster:
    """The speakers of a store that a model can recognise, kept up to date. Belongs to the event loop that it is made in.

    Whoever enrolled with another model is left out. If the store cannot be read nobody is recognised, and the log says so.
    """

    def __init__(self, store: VoiceprintStore, model_id: str) -> None:
        self._store = store
        self._model_id = model_id
        self._loop = asyncio.get_running_loop()
        self._followers: set[Follower] = set()
        self._reading = threading.Lock()
        self._log = structlog.get_logger()
        self.changes = 0
        """How often that changed."""
        self.speakers = self._read()
        """Who is enrolled."""
        store.add_listener(self._changed)

    def close(self) -> None:
        """Follow the store no more."""
        self._store.remove_listener(self._changed)

    @contextmanager
    def followed(self, follower: Follower, since: int) -> Iterator[None]:
        """Call `follower` with the speakers after each change while the block runs, and at once if there was one after number `since`."""
        if self.changes > since:
            follower(self.speakers)
        self._followers.add(follower)
        try:
            yield
        finally:
            self._followers.discard(follower)

    def _changed(self) -> None:
        """Runs in the thread that changed the store."""
        # What is read last must be what is taken last.
        with self._reading:
            self._loop.call_soon_threadsafe(self._take, self._read())

    def _read(self) -> tuple[Speaker, ...]:
        try:
            enrolled = self._store.speakers()
        except StorageError as error:
            self._log.error("nobody is recognised: the voiceprints cannot be read", reason=error.reason)
            return ()
        known = tuple(speaker for speaker in enrolled if speaker.model_id == self._model_id)
        if stale := len(enrolled) - len(known):
            self._log.warning("speakers of another model are not recognised: enroll them again", speakers=stale)
        return known

    def _take(self, speakers: tuple[Speaker, ...]) -> None:
        self.speakers = speakers
        self.changes += 1
        for follower in tuple(self._followers):
            follower(speakers)
