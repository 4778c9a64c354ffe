"""Where the events of all captures meet those who subscribe to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from daemon.config import SubscriptionsConfig
from daemon.errors import HistoryGoneError, TooManySubscribersError
from daemon.events import AttemptDecided, AttemptFollowed, Outcome
from daemon.watch.capture_events import CaptureEvent, Published, is_passing
from daemon.watch.subscriber import Subscriber, Wanted


def _now() -> datetime:
    return datetime.now(UTC)


class Hub:
    """Numbers the events of all captures, keeps the last ones, and offers each to every subscriber. Belongs to one event loop.

    `now` is the clock that events are stamped with. Nobody is waited for: publishing never blocks.
    """

    def __init__(self, config: SubscriptionsConfig, now: Callable[[], datetime] = _now) -> None:
        self.run_id = uuid4().hex
        self.sequence = 1
        """Of the newest event that is kept. The first has 2: 0 and no event at all can be told apart from a place to resume after."""
        self._config = config
        self._now = now
        self._expiry = timedelta(seconds=config.decision_expiry_seconds)
        self._history: deque[CaptureEvent] = deque(maxlen=config.history)
        self._subscribers: set[Subscriber] = set()

    @property
    def subscribers(self) -> int:
        """How many subscribe."""
        return len(self._subscribers)

    def publish(self, capture: str, event: Published) -> CaptureEvent:
        """Tell every subscriber of an event; return it as it was told."""
        kept, time = not is_passing(event), self._now()
        self.sequence += kept
        told = CaptureEvent(self.run_id, self.sequence if kept else 0, time, capture, event, self._expires(event, time))
        if kept:
            self._history.append(told)
        for subscriber in self._subscribers:
            subscriber.offer(told)
        return told

    @contextmanager
    def subscribed(
        self, wanted: Wanted, *, after: int = 0, run_id: str = "", on_overflow: Callable[[], None] | None = None
    ) -> Iterator[Subscriber]:
        """Subscribe while the block runs: to what comes, and first to what came after event `after` of run `run_id`, if that is not 0.

        Raises `HistoryGoneError` if not everything after it is kept, `TooManySubscribersError`.
        """
        if len(self._subscribers) >= self._config.subscribers:
            raise TooManySubscribersError(
                f"{len(self._subscribers)} subscribers are there, and no more are allowed (subscriptions.subscribers): try again later",
                limit=str(self._config.subscribers),
            )
        subscriber = Subscriber(wanted, self._config.queue, self._since(after, run_id) if after else (), on_overflow)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def _since(self, after: int, run_id: str) -> list[CaptureEvent]:
        oldest = self.sequence - len(self._history)
        if run_id != self.run_id or after > self.sequence:
            raise HistoryGoneError("that event is of another run of the daemon: subscribe from now on, and list what may have changed")
        if after < oldest:
            raise HistoryGoneError(
                f"what followed event {after} is not kept any more, only what followed {oldest} (subscriptions.history): "
                "subscribe from now on, and list what may have changed",
                oldest=str(oldest),
            )
        return [told for told in self._history if told.sequence > after]

    def _expires(self, event: Published, time: datetime) -> datetime | None:
        match event:
            case AttemptDecided(decision=decision) | AttemptFollowed(decision=decision) if decision.final:
                return time + self._expiry if decision.outcome is Outcome.ACCEPT else None
            case _:
                return None
