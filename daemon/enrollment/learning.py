"""Keeps what attempts teach, if `enrollment.adapt` says so."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

import structlog

from daemon.config import Config
from daemon.enrollment.adaptation import lesson
from daemon.errors import SpeakerdError, SpeakerNotFoundError
from daemon.events import Decision
from daemon.roster import Roster
from daemon.store.voiceprints import VoiceprintStore
from models.calibration.calibration import Calibration
from models.encoder import Embedding
from models.features import SAMPLE_RATE


class Learner:
    """Belongs to the event loop that it is used in. storage: the thread in which the store is used."""

    def __init__(self, config: Config, calibration: Calibration, store: VoiceprintStore, storage: Executor, roster: Roster) -> None:
        self._config = config
        self._calibration = calibration
        self._store = store
        self._storage = storage
        self._roster = roster
        self._log = structlog.get_logger()

    async def learn(self, decision: Decision, embedding: Embedding | None) -> bool:
        """Keep what a decision teaches that was delivered; return whether anything was kept. embedding: what it rests on, (192,)."""
        if not self._config.enrollment.adapt:
            return False
        taught = lesson(decision, embedding, self._roster.speakers, self._config, self._calibration)
        if taught is None:
            return False
        most, loop = self._config.enrollment.adapt_templates, asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._storage, self._store.adapt, taught.speaker, taught.template, most)
        except SpeakerNotFoundError:
            # They were deleted or enrolled anew meanwhile.
            return False
        except SpeakerdError as error:
            self._log.error("voiceprint not adapted", reason=error.reason)
            return False
        self._log.info("voiceprint adapted", speech_seconds=taught.template.evidence.speech / SAMPLE_RATE)
        return True
