"""The configured microphones: started, stopped, and listed among all captures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import structlog

from daemon.capture.devices import Device, DeviceError, choose
from daemon.capture.microphone import Microphone, Source, record
from daemon.capture.process import list_devices
from daemon.config import CaptureConfig
from daemon.errors import CaptureNotFoundError, CaptureUnavailableError
from daemon.watch.capture_events import CaptureChange, CaptureState, CaptureStatus
from daemon.watch.captures import Captures
from daemon.watch.watching import Capture, WatchParts


async def find_devices(configs: Mapping[str, CaptureConfig]) -> dict[str, str]:
    """Return the device that each of `configs` would listen to now, or why there is none.

    Raises `CaptureUnavailableError` if this machine lacks what microphones need, unless there are no `configs`.
    """
    if not configs:
        return {}
    try:
        devices = await list_devices()
    except CaptureUnavailableError as error:
        raise CaptureUnavailableError(f"captures are configured, but {error}") from None
    return {name: _chosen(devices, config.device) for name, config in configs.items()}


class Microphones:
    """Starts and stops the microphones of `configs`, which are among `captures` as long as the daemon runs."""

    def __init__(
        self,
        configs: Mapping[str, CaptureConfig],
        parts: WatchParts,
        captures: Captures,
        source: Callable[[CaptureConfig], AbstractAsyncContextManager[Source]] = record,
    ) -> None:
        self._configured = {
            name: _Configured(config, Capture(name, parts, device=config.device), source) for name, config in configs.items()
        }
        for configured in self._configured.values():
            captures.add(configured.capture)

    def autostart(self) -> None:
        """Begin to listen to those that are to be listened to from the start."""
        for configured in self._configured.values():
            if configured.config.autostart:
                configured.begin()

    async def start(self, name: str) -> CaptureStatus:
        """Listen, unless it does; return how it is when it is known whether the device opens. Raises `CaptureNotFoundError`."""
        configured = self._get(name)
        await configured.start()
        return configured.capture.status

    async def stop(self, name: str) -> CaptureStatus:
        """Listen no more; what is undecided is decided. Raises `CaptureNotFoundError`."""
        configured = self._get(name)
        await configured.stop()
        return configured.capture.status

    async def close(self) -> None:
        """Stop all."""
        await asyncio.gather(*(configured.stop() for configured in self._configured.values()))

    def _get(self, name: str) -> _Configured:
        if configured := self._configured.get(name):
            return configured
        known = ", ".join(sorted(self._configured)) or "none"
        raise CaptureNotFoundError(f"no microphone is configured as {name!r}; there are: {known}", capture=name)


def _chosen(devices: Sequence[Device], wanted: str) -> str:
    try:
        return choose(devices, wanted).name
    except DeviceError as error:
        return str(error)


class _Configured:
    """One microphone, and the task that listens to it."""

    def __init__(
        self, config: CaptureConfig, capture: Capture, source: Callable[[CaptureConfig], AbstractAsyncContextManager[Source]]
    ) -> None:
        self.config = config
        self.capture = capture
        self._source = source
        self._changing = asyncio.Lock()
        self._microphone = Microphone(config, capture, source)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> asyncio.Task[None]:
        if self._task is None or self._task.done():
            self._microphone = Microphone(self.config, self.capture, self._source)
            self._task = asyncio.create_task(self._listen(self._microphone))
        return self._task

    async def start(self) -> None:
        async with self._changing:
            task = self.begin()
        # Not under the lock: a device that hangs while it is opened can be stopped.
        started = asyncio.create_task(self._microphone.started.wait())
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()

    async def stop(self) -> None:
        async with self._changing:
            if self._task:
                self._task.cancel()
                await asyncio.wait({self._task})
                self._task = None
            if self.capture.status.state is not CaptureState.STOPPED:
                await self.capture.stop()

    async def _listen(self, microphone: Microphone) -> None:
        try:
            problem = await microphone.listen()
            await self.capture.stop(CaptureChange.FAILED, CaptureState.FAILED, f"{problem}; start the capture again when it is back")
        except Exception:  # noqa: BLE001 - told in the log; the other captures go on
            structlog.get_logger().exception("capture failed", capture=self.capture.name)
            problem = "the daemon failed to hear it: its log tells why"
            self.capture.abandon(CaptureChange.FAILED, CaptureState.FAILED, problem)
