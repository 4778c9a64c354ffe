from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from proto.speakerd.v1 import decision_pb2
from tests import audio
from tests.daemon.server.harness import Daemon, know, linear16, running, verify_audio, verify_config

OWNER = linear16(audio.join(audio.noise(0.3, level=-65.0), audio.voice(0, 2.5, take=1), audio.noise(0.7, level=-65.0)))
STRANGER = linear16(audio.voice(3, 3.0))


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with running() as started:
        know(started.store, "anna", 0)
        know(started.store, "ben", 1)
        yield started


async def test_the_owner_is_accepted(daemon: Daemon) -> None:
    decision = await daemon.decide([verify_config(), *verify_audio(OWNER)])
    assert (decision.outcome, decision.speaker, decision.is_final) == (decision_pb2.OUTCOME_ACCEPT, "anna", True)
