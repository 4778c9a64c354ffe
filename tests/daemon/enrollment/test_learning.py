from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.config import Config, EnrollmentConfig
from daemon.decision import Decider
from daemon.enrollment.learning import Learner
from daemon.errors import StorageFullError
from daemon.events import Decision
from daemon.roster import Roster
from daemon.speakers import Speaker, Template
from daemon.store.voiceprints import SaveMode, VoiceprintStore
from tests.calibrated import plain_calibration
from tests.daemon.people import MODEL, evidence, person

CALIBRATION = plain_calibration()
CONFIG = Config(enrollment=EnrollmentConfig(adapt=True, adapt_templates=2))


@pytest.fixture
def store(tmp_path: Path) -> VoiceprintStore:
    opened = VoiceprintStore(tmp_path, tmp_path / "key", CONFIG.limits)
    opened.save("anna", [Template(person(0, 1), MODEL, evidence())], SaveMode.CREATE)
    return opened


@asynccontextmanager
async def learning(store: VoiceprintStore, config: Config = CONFIG) -> AsyncIterator[Learner]:
    with closing(store), ThreadPoolExecutor(1) as storage, closing(Roster(store, MODEL)) as roster:
        yield Learner(config, CALIBRATION, store, storage, roster)


def accepted(*speakers: Speaker) -> Decision:
    return replace(Decider(speakers, CONFIG.decision, CALIBRATION).decide(person(0), evidence(), 0), final=True)


async def test_what_is_learned_is_kept_up_to_the_configured_number(store: VoiceprintStore) -> None:
    decision = accepted(store.get("anna"))
    async with learning(store) as learner:
        assert [await learner.learn(decision, person(0, take)) for take in range(3)] == [True] * 3
        assert len(store.get("anna").adapted) == 2


async def test_nothing_is_learned_unless_it_is_asked_for(store: VoiceprintStore) -> None:
    decision = accepted(store.get("anna"))
    async with learning(store, Config()) as learner:
        assert not await learner.learn(decision, person(0))
        assert store.get("anna").adapted == ()


async def test_nothing_is_learned_of_who_was_deleted(store: VoiceprintStore) -> None:
    decision = accepted(store.get("anna"))
    async with learning(store) as learner:
        # The loop has not heard of it yet.
        store.delete("anna")
        assert not await learner.learn(decision, person(0))


async def test_a_store_that_fails_is_logged_and_keeps_nobody_from_being_heard(
    store: VoiceprintStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageFullError("no space is left")

    decision = accepted(store.get("anna"))
    monkeypatch.setattr(store, "adapt", fail)
    async with learning(store) as learner:
        with capture_logs() as logs:
            assert not await learner.learn(decision, person(0))
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("voiceprint not adapted", "STORAGE_FULL")]
    assert "anna" not in str(logs)
