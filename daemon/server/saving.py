"""From a finished enrollment to an enrolled speaker."""

from __future__ import annotations

import asyncio

from daemon.enrollment.session import Enrollment, EnrollmentSession
from daemon.server.runtime import Runtime
from daemon.speakers import Speaker
from daemon.store.voiceprints import SaveMode


class Saver:
    """Checks and stores what enrollments give, one after the other."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        # What is enrolled must not change between the check for similar voices and the save.
        self._saving = asyncio.Lock()

    async def save(self, session: EnrollmentSession, name: str, mode: SaveMode, *, allow_similar: bool) -> tuple[Speaker, Enrollment]:
        """Return who is enrolled, and what `session` gave. Raises what its `checked` and the store's `save` raise."""
        runtime = self._runtime
        async with self._saving:
            known = await runtime.stored(runtime.store.get, name) if mode is SaveMode.ADD else None
            others = await runtime.stored(runtime.store.speakers)
            enrollment = session.checked(others, name=name, allow_similar=allow_similar, known=known)
            return await runtime.stored(runtime.store.save, name, enrollment.templates, mode), enrollment
