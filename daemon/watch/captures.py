"""All captures of the daemon by name: its microphones, and the feeds of its clients."""

from __future__ import annotations

from daemon.errors import CaptureExistsError, CaptureNotFoundError
from daemon.watch.capture_events import CaptureStatus
from daemon.watch.watching import Capture


class Captures:
    """Knows the captures that exist: a microphone for as long as the daemon runs, a feed for as long as its call."""

    def __init__(self) -> None:
        self._captures: dict[str, Capture] = {}

    def add(self, capture: Capture) -> None:
        """Make a capture known. Raises `CaptureExistsError` if its name is taken."""
        if capture.name in self._captures:
            raise CaptureExistsError(f"a capture is called {capture.name!r} already: choose another name", capture=capture.name)
        self._captures[capture.name] = capture

    def remove(self, capture: Capture) -> None:
        """Forget a capture that was added."""
        del self._captures[capture.name]

    def get(self, name: str) -> Capture:
        """Return the capture called `name`. Raises `CaptureNotFoundError`."""
        if capture := self._captures.get(name):
            return capture
        raise CaptureNotFoundError(f"no capture is called {name!r}: list the captures to see what there is", capture=name)

    def list(self) -> tuple[CaptureStatus, ...]:
        """Return how all captures are, by name."""
        return tuple(self._captures[name].status for name in sorted(self._captures))
