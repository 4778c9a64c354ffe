"""What a capture makes of hours in which nobody who is enrolled speaks: every acceptance is a false alarm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from daemon.evaluation.intervals import Frequency, frequency
from daemon.evaluation.streams import Blocks
from daemon.events import AttemptDecided, AttemptStarted, Outcome, WatchEvent
from daemon.session import run
from daemon.watch.session import WatchSession
from models.encoder import Encoder
from models.features import SAMPLE_RATE


@dataclass(frozen=True)
class Alarms:
    """What was made of a stream: attempts that began, and how often one was accepted."""

    attempts: int
    accepts: Frequency


def listen(watch: WatchSession, blocks: Blocks, encoder: Encoder) -> Alarms:
    """Count the alarms of a watch that hears a stream to its end."""
    attempts = accepts = 0
    for event in _hear(watch, blocks, encoder):
        attempts += isinstance(event, AttemptStarted)
        accepts += isinstance(event, AttemptDecided) and event.decision.final and event.decision.outcome is Outcome.ACCEPT
    return Alarms(attempts, frequency(accepts, watch.at / SAMPLE_RATE / 3600))


def total(parts: Iterable[Alarms]) -> Alarms:
    """Return the alarms of several streams together."""
    listed = list(parts)
    accepts = [part.accepts for part in listed]
    together = frequency(sum(part.count for part in accepts), sum(part.hours for part in accepts))
    return Alarms(sum(part.attempts for part in listed), together)


def _hear(watch: WatchSession, blocks: Blocks, encoder: Encoder) -> Iterator[WatchEvent]:
    for block in blocks:
        watch.feed(block)
        yield from run(watch, encoder)
    watch.finish()
    yield from run(watch, encoder)
