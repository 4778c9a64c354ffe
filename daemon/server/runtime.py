"""What all services share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from daemon.config import Config
from daemon.engine import Engine
from daemon.server.streams import Streams
from daemon.store.voiceprints import VoiceprintStore
from daemon.watch.captures import Captures
from daemon.watch.watching import WatchParts
from models.calibration.calibration import Calibration

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Runtime:
    """The parts of a running daemon."""

    config: Config
    engine: Engine
    calibration: Calibration
    store: VoiceprintStore
    storage: Executor
    """The thread in which the store is used: it waits for the disk."""
    streams: Streams
    watching: WatchParts
    """What captures are made with."""
    captures: Captures

    async def stored(self, use: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        """Call a method of the store in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self.storage, lambda: use(*args, **kwargs))
