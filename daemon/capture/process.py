"""Starts recorders, and reads what they tell."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from daemon.capture.devices import Device
from daemon.capture.records import HEADER, Failed, Listed, Record, Stalled, decode
from daemon.errors import CaptureUnavailableError

ROOT: Final = Path(__file__).parents[2]
"""Where our packages lie: what is called `daemon` in the directory that the daemon was started in may be another."""
COMMAND: Final = (sys.executable, "-m", "daemon.capture.recorder")
SILENT_SECONDS: Final = 15.0
"""A recorder that tells nothing for so long hangs, as PortAudio does at times: it is ended. It tells of stalls much sooner."""
AHEAD_BYTES: Final = 65_536
"""What is read ahead of a daemon that is busy; a recorder whose pipe is full keeps what its ring holds."""


class Recorder:
    """A recorder that runs."""

    def __init__(self, process: subprocess.Popen[bytes], stream: asyncio.StreamReader) -> None:
        self._process = process
        self._stream = stream

    async def next(self) -> Record:
        """Wait for what it tells next; its end and its silence are told as records, too."""
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                kind, size = HEADER.unpack(await self._stream.readexactly(HEADER.size))
                return decode(kind, await self._stream.readexactly(size))
        except TimeoutError:
            return Stalled()
        except asyncio.IncompleteReadError:
            code = await asyncio.to_thread(self._process.wait)
            return Failed(f"the process that records the device ended by itself (exit code {code})")


@asynccontextmanager
async def recorder(*arguments: str, command: tuple[str, ...] = COMMAND) -> AsyncIterator[Recorder]:
    """Run a recorder during the block."""
    process = _started([*command, *arguments])
    stream = asyncio.StreamReader(limit=AHEAD_BYTES)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), process.stdout)
        with closing(transport):
            yield Recorder(process, stream)
    finally:
        await asyncio.to_thread(_end, process)


async def list_devices() -> tuple[Device, ...]:
    """Return the input devices that there are now. Raises `CaptureUnavailableError`."""
    async with recorder() as running:
        match await running.next():
            case Listed(devices):
                return devices
            case Failed(problem):
                raise CaptureUnavailableError(problem)
            case _:
                raise CaptureUnavailableError("PortAudio does not answer: see whether the sound server of this machine hangs")


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    # What the native libraries say on standard error is no line of our log, and is in the records where it matters.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, start_new_session=True
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    # At once: a recorder holds nothing that it would have to put in order.
    process.kill()
    with process:
        pass
