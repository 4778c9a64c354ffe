"""Captures and subscriptions as people read them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from rich.text import Text

from clients.capture_messages import (
    AttemptDecided,
    Capture,
    CaptureChanged,
    CaptureEvent,
    CaptureState,
    Device,
    Locked,
    SpeakerChanged,
    Subscribed,
)
from clients.cli.verdicts import verdict
from clients.subscription import Disconnected, Gap, SubscriptionEvent
from clients.words import CHANGES, REASONS

_STATES: Final = {
    CaptureState.STOPPED: ("stopped", ""),
    CaptureState.LISTENING: ("listening", "green"),
    CaptureState.WAITING: ("waiting", "yellow"),
    CaptureState.FAILED: ("failed", "bold red"),
    CaptureState.UNSPECIFIED: ("in a state that this client does not know", "yellow"),
}
_RESTARTED: Final = "The daemon was started again: what happened meanwhile is not known."
_MISSED: Final = "The daemon no longer knows all that happened meanwhile."


def event_line(event: SubscriptionEvent) -> Text | None:
    """Return what stays on the screen of what a subscription tells: None if that is nothing."""
    match event:
        case Disconnected():
            return Text.assemble(("Disconnected", "bold red"), f": {event.error}. Trying again.")
        case Gap():
            return Text(
                "The daemon was started again; what happened before is lost." if event.restarted else "Some events were missed.", "yellow"
            )
        case CaptureEvent(event=Subscribed() as subscribed):
            return Text("Subscribed to what the captures hear.") if subscribed.captures else Text("Subscribed; there is no capture yet.")
        case CaptureEvent(event=CaptureChanged() as changed):
            return _told(event, Text(CHANGES[changed.change] + (f": {changed.capture.problem}" if changed.capture.problem else "")))
        case CaptureEvent(event=AttemptDecided(decision=decision)) if decision.final:
            return _told(event, verdict(decision))
        case CaptureEvent(event=SpeakerChanged() as changed):
            return _told(event, Text.assemble(("CHANGED", "bold red"), f": somebody else speaks than {changed.speaker}"))
        case CaptureEvent(event=Locked() as locked):
            return _told(event, Text.assemble(("LOCKED", "yellow"), f" {locked.speaker}: {REASONS[locked.reason]}"))
        case _:
            return None


def source_line(source: Capture | Device) -> Text:
    """Return how a capture is, or what a device is."""
    return _capture(source) if isinstance(source, Capture) else _device(source)


def _capture(capture: Capture) -> Text:
    device = f" ({capture.device})" if capture.device else ""
    facts = f", {timedelta(seconds=int(capture.captured))} heard" if capture.captured else ""
    problem = f": {capture.problem}" if capture.problem else ""
    return Text.assemble((capture.name, "bold"), f"{device}: ", _STATES[capture.state], facts, _counters(capture), problem)


def _device(device: Device) -> Text:
    channels = "1 channel" if device.channels == 1 else f"{device.channels} channels"
    default = ", the default" if device.is_default else ""
    return Text.assemble(f"{device.index:3}  ", (device.name, "bold"), f": {channels}, {device.rate} Hz{default}")


def _told(event: CaptureEvent, what: Text) -> Text:
    return Text.assemble(f"{event.time.astimezone():%H:%M:%S}  {event.capture}  ", what)


def _counters(capture: Capture) -> str:
    counters = capture.counters
    counts = {"over-runs": counters.overruns, "stalls": counters.stalls, "times reopened": counters.reopened}
    return "".join(f", {count} {name}" for name, count in counts.items() if count)
