"""A Wyoming satellite as a process: whoever connects and asks it to run hears a recording, and may then ask whether it is still there.

    python -m tests.clients.examples.satellite PORT RECORDING [--silent-end] [--width 2] [--repeat]

It prints a line when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import numpy as np
import soundfile
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.ping import Ping, Pong
from wyoming.satellite import RunSatellite
from wyoming.server import AsyncEventHandler, AsyncTcpServer

CHUNK = 1024
"""Samples."""
ROOM_SECONDS = 2
"""How long the quiet room is heard after the recording."""


class Satellite(AsyncEventHandler):
    """What answers one connection."""

    def __init__(self, options: argparse.Namespace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._options = options
        self._playing: asyncio.Task[None] | None = None

    async def handle_event(self, event: Event) -> bool:
        if RunSatellite.is_type(event.type):
            self._playing = asyncio.create_task(self._play())
        elif Ping.is_type(event.type):
            await self.write_event(Pong(text=Ping.from_event(event).text).event())
        return True

    async def disconnect(self) -> None:
        if self._playing is not None:
            self._playing.cancel()

    async def _play(self) -> None:
        samples, rate = soundfile.read(self._options.recording, dtype="int16")
        room = np.random.default_rng(1).normal(0, 3, ROOM_SECONDS * rate).astype(np.int16)
        heard = np.concatenate([samples, room])
        form = {"rate": rate, "width": self._options.width, "channels": 1}
        while True:
            await self.write_event(AudioStart(**form).event())
            for start in range(0, len(heard), CHUNK):
                await self.write_event(AudioChunk(**form, audio=heard[start : start + CHUNK].tobytes()).event())
            if not self._options.repeat:
                break
        if not self._options.silent_end:
            await self.write_event(AudioStop().event())


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--silent-end", action="store_true", help="end without saying so")
    parser.add_argument("--width", type=int, default=2, help="bytes of a sample, as it is said")
    parser.add_argument("--repeat", action="store_true", help="never end")
    options = parser.parse_args()
    server = AsyncTcpServer("localhost", options.port)
    await server.start(lambda reader, writer: Satellite(options, reader, writer))
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
