"""What all services share."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.config import Config
from daemon.engine import Engine
from daemon.server.streams import Streams
from daemon.voiceprints import VoiceprintStore


@dataclass(frozen=True)
class Runtime:
    """The parts of a running daemon."""

    config: Config
    engine: Engine
    store: VoiceprintStore
    streams: Streams
