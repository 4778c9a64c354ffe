"""When a device that is lost is to be opened again, and when it is given up."""

from __future__ import annotations

from typing import Final

from daemon.config import CaptureConfig

STEADY_SECONDS: Final = 5.0
"""Only a device that delivers for so long is back: one that comes and goes does not start the waiting anew."""


class Patience:
    """Waits longer each time that a device is lost again. Times are seconds of any steady clock."""

    def __init__(self, config: CaptureConfig, now: float) -> None:
        self._config = config
        self._delay = config.retry_seconds
        self._lost = now
        self._opened: float | None = None

    def opened(self, now: float) -> None:
        """Take note that the device is open."""
        self._opened = now

    def wait(self, now: float) -> float | None:
        """Return in how many seconds to open the device, which was just lost or did not open; None: it is to be given up."""
        if self._opened is not None and now - self._opened >= STEADY_SECONDS:
            self._lost, self._delay = now, self._config.retry_seconds
        self._opened = None
        delay, self._delay = self._delay, min(2 * self._delay, self._config.max_retry_seconds)
        if self._config.give_up_seconds is None:
            return delay
        left = self._lost + self._config.give_up_seconds - now
        return min(delay, left) if left > 0 else None
