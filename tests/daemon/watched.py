"""What captures are made with, for tests without a server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from daemon.config import Config
from daemon.engine import Engine
from daemon.enrollment.learning import Learner
from daemon.roster import Roster
from daemon.store.voiceprints import VoiceprintStore
from daemon.watch.hub import Hub
from daemon.watch.watching import WatchParts
from models.encoder import Encoder
from tests.daemon.server.harness import CONFIG, know
from tests.fakes import FakeEncoder, fake_calibration


@contextmanager
def watch_parts(*, encoder: Encoder | None = None, config: Config = CONFIG) -> Iterator[WatchParts]:
    """Make parts with a store in which anna and ben are enrolled."""
    with TemporaryDirectory() as directory, closing(_store(Path(directory))) as store:
        know(store, "anna", 0)
        know(store, "ben", 1)
        with (
            closing(Engine(encoder or FakeEncoder(), config.model.max_batch)) as engine,
            closing(Roster(store, "fake-1")) as roster,
            ThreadPoolExecutor(1) as storage,
        ):
            calibration = fake_calibration()
            learner = Learner(config, calibration, store, storage, roster)
            yield WatchParts(config, engine, calibration, roster, Hub(config.subscriptions), learner)


def _store(directory: Path) -> VoiceprintStore:
    return VoiceprintStore(directory, directory / "key", CONFIG.limits)
