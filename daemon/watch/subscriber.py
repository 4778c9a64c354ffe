"""One who subscribes to the events of captures: what they want to know, and the queue of what they have not taken yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daemon.errors import SubscriberTooSlowError
from daemon.events import AttemptDecided, AttemptFollowed, Decision, Level, Locked, Outcome, SpeakerChanged
from daemon.watch.capture_events import CaptureChange, CaptureChanged, CaptureEvent, is_passing


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a subscriber wants.

    captures: only of these, all if there are none; they need not exist yet. decisions_only: only final decisions, what becomes of them,
    and changes of a capture's state. speaker: no decision that names only others, and only what becomes of theirs. minimum_interval:
    samples from one interim decision to the next, and from one level to the next. levels: levels too.
    """

    captures: frozenset[str] = frozenset()
    decisions_only: bool = False
    speaker: str = ""
    minimum_interval: int = 0
    levels: bool = False

    def includes(self, told: CaptureEvent) -> bool:
        """Tell whether the event is one of those, apart from the interval."""
        if self.captures and told.capture not in self.captures:
            return False
        match told.event:
            case CaptureChanged():
                return True
            case Level():
                return self.levels and not self.decisions_only
            case SpeakerChanged(speaker=speaker) | Locked(speaker=speaker):
                return self.speaker in {"", speaker}
            case AttemptDecided(decision=decision) | AttemptFollowed(decision=decision):
                return (decision.final or not self.decisions_only) and self._is_about(decision)
            case _:
                return not self.decisions_only

    def _is_about(self, decision: Decision) -> bool:
        """Tell whether a decision names the speaker, be it as one of two who cannot be told apart, or nobody."""
        named = decision.candidates[: 2 if decision.outcome is Outcome.AMBIGUOUS else 1]
        return not self.speaker or not named or self.speaker in {candidate.speaker for candidate in named}


class Subscriber:
    """Holds at most `size` events for one subscriber; made by `Hub.subscribed`.

    Where there is no room, the oldest interim decision or level is dropped. If there is none, the subscriber is cut off: nothing more is
    held for them, `next` raises, and `on_overflow` is called.
    """

    def __init__(self, wanted: Wanted, size: int, backlog: Iterable[CaptureEvent], on_overflow: Callable[[], None] | None = None) -> None:
        self.dropped = 0
        """How many events were dropped."""
        self._wanted = wanted
        self._size = size
        self._on_overflow = on_overflow
        self._overflowed = False
        # What a subscriber resumes with is bounded by the history, and does not count: it is there before anyone could be slow.
        self._backlog = deque(told for told in backlog if wanted.includes(told))
        self._queue: deque[CaptureEvent] = deque()
        self._passing = 0
        self._passed_at: dict[tuple[str, type], int] = {}
        self._filled = asyncio.Event()

    def check(self) -> None:
        """Raise `SubscriberTooSlowError` after an overflow."""
        if self._overflowed:
            raise SubscriberTooSlowError(
                f"{self._size} events wait to be read and none of them may be left out (subscriptions.queue): read faster, ask for fewer "
                "events, or subscribe again after the last event that was read",
                limit=str(self._size),
            )

    async def next(self) -> CaptureEvent:
        """Wait for the next event. Raises `SubscriberTooSlowError` after an overflow."""
        while True:
            self.check()
            if self._backlog:
                return self._backlog.popleft()
            if self._queue:
                told = self._queue.popleft()
                self._passing -= is_passing(told.event)
                return told
            self._filled.clear()
            await self._filled.wait()

    def offer(self, told: CaptureEvent) -> None:
        """Take an event, if it is wanted."""
        if self._overflowed or not self._wanted.includes(told) or self._is_too_soon(told):
            return
        if len(self._queue) < self._size or self._make_room(told):
            self._queue.append(told)
            self._passing += is_passing(told.event)
            self._filled.set()

    def _is_too_soon(self, told: CaptureEvent) -> bool:
        """Tell whether an interim decision or a level follows the last one too closely; their position falls when a capture starts anew."""
        if isinstance(told.event, CaptureChanged) and told.event.change is CaptureChange.STOPPED:
            # A feed may never come again.
            for kind in (AttemptDecided, AttemptFollowed, Level):
                self._passed_at.pop((told.capture, kind), None)
        if not (self._wanted.minimum_interval and is_passing(told.event)):
            return False
        key = (told.capture, type(told.event))
        passed = told.event.at - self._passed_at.get(key, -self._wanted.minimum_interval)
        if 0 <= passed < self._wanted.minimum_interval:
            return True
        self._passed_at[key] = told.event.at
        return False

    def _make_room(self, told: CaptureEvent) -> bool:
        """Drop what may be dropped to make room for `told`; tell whether there is room now."""
        if self._passing:
            del self._queue[next(index for index, waiting in enumerate(self._queue) if is_passing(waiting.event))]
            self._passing -= 1
            self.dropped += 1
            return True
        if is_passing(told.event):
            self.dropped += 1
        else:
            self._overflow()
        return False

    def _overflow(self) -> None:
        self._overflowed = True
        self._queue.clear()
        self._backlog.clear()
        self._filled.set()
        if self._on_overflow:
            self._on_overflow()
