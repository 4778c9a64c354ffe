"""The program that records one device, or lists all, in a process of its own, for the daemon that started it.

It ends with its standard input, as it does when the daemon ends, however that happens.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import BinaryIO, Final, Protocol

from daemon.capture.devices import DeviceError, choose
from daemon.capture.records import Failed, Listed, Opened, Record, Stalled, encode
from daemon.capture.ring import Ring
from daemon.errors import CaptureUnavailableError

RING_SECONDS: Final = 2
PERIOD: Final = 0.04
"""Seconds between two looks into the ring: to be woken by the callback, it would have to take a lock."""
FIRST_SECONDS: Final = 5.0
"""A device may take so long for its first samples."""


@dataclass(frozen=True)
class Wanted:
    """What to record: see `daemon.config.CaptureConfig`."""

    device: str
    channel: int
    rate: int | None
    stall_seconds: float


class Active(Protocol):
    """A stream that fills a ring."""

    @property
    def active(self) -> bool:
        """Whether the device still works."""
        ...


def listing() -> Iterator[Record]:
    """Yield the devices. Raises `CaptureUnavailableError`."""
    from daemon.capture import portaudio  # noqa: PLC0415 - what is missing is told as any other problem is

    yield Listed(tuple(portaudio.devices()))


def record(wanted: Wanted) -> Iterator[Record]:
    """Open a device and yield what it delivers, until it fails. Raises `CaptureUnavailableError`, `DeviceError`."""
    from daemon.capture import portaudio  # noqa: PLC0415 - as above

    device = choose(portaudio.devices(), wanted.device)
    rate = wanted.rate or device.rate
    ring = Ring(rate * RING_SECONDS)
    stream = portaudio.Stream(device, wanted.channel, rate, ring)
    yield Opened(device.name, rate)
    yield from drain(ring, stream, wanted.stall_seconds)


def drain(ring: Ring, stream: Active, stall_seconds: float) -> Iterator[Record]:
    """Yield what comes into the ring, until nothing comes any more."""
    calls, last = 0, time.monotonic() + FIRST_SECONDS - stall_seconds
    while True:
        time.sleep(PERIOD)
        yield from ring.take()
        if ring.calls != calls:
            calls, last = ring.calls, time.monotonic()
        elif not stream.active:
            yield Failed("the device stopped: it may have been unplugged")
            return
        elif time.monotonic() - last > stall_seconds:
            yield Stalled()
            return


def main() -> None:
    """Write what the device that the argument describes delivers, or without argument which devices there are, to standard output."""
    # Signals to all processes of a terminal or a service are for the daemon: it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Thread(target=_end_with_input, daemon=True).start()
    with suppress(BrokenPipeError), _output() as output:
        for item in _told(sys.argv[1:]):
            output.write(encode(item))
    # Not the usual way: PortAudio would close its streams first, and one whose device is gone may never close.
    os._exit(0)


def _told(arguments: list[str]) -> Iterator[Record]:
    try:
        yield from record(Wanted(**json.loads(arguments[0]))) if arguments else listing()
    except (CaptureUnavailableError, DeviceError) as error:
        yield Failed(str(error))


def _output() -> BinaryIO:
    """Return standard output, and let what native libraries would write there go to standard error."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
