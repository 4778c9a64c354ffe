"""Waits for someone to be recognised, for what opens a door: a decision only counts while it is fresh."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from clients.capture_messages import AttemptDecided, AttemptFollowed, CaptureEvent, SubscribeConfig
from clients.client import Client
from clients.errors import ClientError
from clients.messages import Outcome
from clients.subscription import Disconnected, Subscription

MAX_SKEW: Final = timedelta(seconds=1)
"""How far the daemon's clock may be ahead of this machine's."""


def is_fresh_accept(event: CaptureEvent, now: datetime) -> bool:
    """Return whether an event is a final ACCEPT that may be acted on at `now`, a time of this machine's clock.

    Who speaks on after one is accepted anew now and then, as long as their voice is heard: that counts as well.

    An expired one never is, nor one from further in the future than `MAX_SKEW`: of that its age cannot be told. So a daemon on
    another machine is believed only while the two clocks agree: let both follow the same time server.
    """
    if not isinstance(event.event, AttemptDecided | AttemptFollowed) or event.event.expires is None:
        return False
    decision = event.event.decision
    return decision.final and decision.outcome is Outcome.ACCEPT and event.time - MAX_SKEW <= now < event.event.expires


def wait_for_accept(client: Client, speaker: str, timeout: float, captures: Sequence[str] = ()) -> CaptureEvent | None:
    """Wait until one of `captures`, or any, accepts a speaker; return that decision, or None after `timeout` seconds.

    Only what is decided from now on counts, and only while it is fresh (`is_fresh_accept`). A lost connection is tried again. Raises
    what a subscription does, and `UnreachableError` if the daemon could not be reached at the end.
    """
    with Subscription(client, acceptances(speaker, captures)) as subscription:
        return first_accept(subscription, speaker, timeout)


def acceptances(speaker: str, captures: Sequence[str]) -> SubscribeConfig:
    """Return what to subscribe to for `first_accept`."""
    return SubscribeConfig(captures, decisions_only=True, speaker=speaker)


def first_accept(subscription: Subscription, speaker: str, timeout: float) -> CaptureEvent | None:
    """Return what `wait_for_accept` does, from a subscription that is closed after `timeout` seconds."""
    failure: ClientError | None = None
    ending = threading.Timer(timeout, subscription.close)
    ending.daemon = True
    ending.start()
    try:
        for event in subscription:
            if isinstance(event, CaptureEvent) and _accepts(event, speaker):
                return event
            failure = event.error if isinstance(event, Disconnected) else None
    finally:
        ending.cancel()
    if failure is not None:
        raise failure
    return None


def _accepts(event: CaptureEvent, speaker: str) -> bool:
    is_theirs = isinstance(event.event, AttemptDecided | AttemptFollowed) and event.event.decision.speaker == speaker
    return is_theirs and is_fresh_accept(event, datetime.now(UTC))
