"""A Wyoming satellite as a microphone of the daemon: what it hears is fed to the daemon, as a capture that others subscribe to.

    pip install '.[examples]'
    python -m clients.examples.wyoming_satellite --uri tcp://kitchen.lan:10700 --capture kitchen

It connects to whatever sends audio by the Wyoming protocol: a satellite, which it asks to run, or a mere microphone server. The capture
exists while audio comes. Where the satellite waits for a wake word or for a voice, each stretch of audio is a capture of its own.

A satellite serves one at a time: while this is connected, Home Assistant is not. When the satellite or the daemon is lost, the capture
ends, so that whoever relies on it is told; both are tried again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final, Self

import click

from clients.address import unix_address
from clients.aio import AsyncClient
from clients.audio import AsyncAudio, AudioFormat, Encoding
from clients.capture_messages import AttemptDecided, CaptureEvent, FeedConfig
from clients.errors import ClientError, InvalidRequestError
from clients.words import REASONS

try:
    from wyoming.audio import AudioChunk, AudioStop
    from wyoming.client import AsyncClient as Wyoming
    from wyoming.event import Event
    from wyoming.ping import Ping, Pong
    from wyoming.satellite import RunSatellite
except ModuleNotFoundError as error:
    raise SystemExit("the Wyoming satellite needs wyoming: run `pip install '.[examples]'`") from error

CONNECT_SECONDS: Final = 5.0
QUIET_SECONDS: Final = 2.0
"""After so long without anything, the satellite is asked whether it is there; after so long again, it is lost."""
RETRY_SECONDS: Final = 2.0
"""Before a lost satellite or daemon is tried again."""


class SatelliteError(Exception):
    """What cannot be mended by trying again."""


class Satellite:
    """A connection to a satellite. Its methods raise `OSError` once it is lost."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._wyoming = Wyoming.from_uri(uri, connect_timeout=CONNECT_SECONDS)
        self._reading: asyncio.Task[Event | None] | None = None
        self._first: AudioChunk | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._wyoming.connect()
        except OSError as error:
            raise ConnectionError(f"no satellite answers at {self._uri}") from error
        await self._wyoming.write_event(RunSatellite().event())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
        with suppress(OSError):
            await self._wyoming.disconnect()

    async def audio(self) -> AsyncAudio:
        """Wait for audio; return it. It ends when the satellite stops, pauses, or changes the format."""
        while self._first is None:
            event = await self._next()
            self._first = AudioChunk.from_event(event) if AudioChunk.is_type(event.type) else None
        return AsyncAudio(_format(self._first), self._chunks(self._first))

    async def _chunks(self, first: AudioChunk) -> AsyncIterator[bytes]:
        self._first = None
        yield first.audio
        while True:
            event = await self._next()
            # It only says that it is there when nothing else comes from it.
            if AudioStop.is_type(event.type) or Pong.is_type(event.type):
                return
            if AudioChunk.is_type(event.type):
                chunk = AudioChunk.from_event(event)
                if _format(chunk) != _format(first):
                    self._first = chunk
                    return
                yield chunk.audio

    async def _next(self) -> Event:
        """Return the next event; answer it if it asks whether we are there."""
        for _ in range(2):
            # What is being read goes on being read: half an event cannot be taken up again.
            self._reading = self._reading or asyncio.create_task(self._wyoming.read_event())
            done, _pending = await asyncio.wait({self._reading}, timeout=QUIET_SECONDS)
            if done:
                break
            await self._wyoming.write_event(Ping().event())
        else:
            raise TimeoutError("the satellite no longer answers")
        try:
            event, self._reading = self._reading.result(), None
        except (EOFError, KeyError) as error:
            raise ConnectionError("the satellite stopped in the middle of an event") from error
        if event is None:
            raise ConnectionError("the satellite ended the connection")
        if Ping.is_type(event.type):
            await self._wyoming.write_event(Pong(text=Ping.from_event(event).text).event())
        return event


def _format(chunk: AudioChunk) -> AudioFormat:
    if chunk.width != Encoding.LINEAR16.width:
        raise SatelliteError(f"the satellite sends samples of {8 * chunk.width} bits: let it send 16")
    return AudioFormat(Encoding.LINEAR16, chunk.rate, chunk.channels)


async def relay(satellite: Satellite, client: AsyncClient, capture: str) -> None:
    """Feed the daemon what the satellite hears, until one of them is lost."""
    while True:
        audio = await satellite.audio()
        click.echo(f"{capture}: audio comes, {audio.format.rate} Hz")
        async with aclosing(client.feed(FeedConfig(capture, interim=False), audio)) as events:
            async for event in events:
                _show(event)
        click.echo(f"{capture}: audio ended")


def _show(event: CaptureEvent) -> None:
    if isinstance(event.event, AttemptDecided):
        decision = event.event.decision
        click.echo(f"{event.capture}: {decision.outcome.value} {decision.speaker or 'nobody'}: {REASONS[decision.reason]}")


async def run(uri: str, capture: str, socket: Path | None) -> None:
    """Relay, and begin anew whenever that fails. Raises `SatelliteError` and `InvalidRequestError`, which trying again does not mend."""
    # asyncio makes an interrupt a cancellation: so may whoever ends the service.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    while True:
        try:
            async with AsyncClient(unix_address(socket)) as client:
                await client.status()
                async with Satellite(uri) as satellite:
                    click.echo(f"connected to {uri}")
                    await relay(satellite, client, capture)
        except InvalidRequestError:
            raise
        except (ClientError, OSError) as lost:
            click.echo(f"{lost}; trying again", err=True)
        await asyncio.sleep(RETRY_SECONDS)


@click.command()
@click.option("--uri", required=True, help="The satellite's, as tcp://HOST:PORT or unix://PATH.")
@click.option("--capture", required=True, help="What the daemon is to call it.")
@click.option("--socket", type=click.Path(path_type=Path), help="The daemon's unix socket, if it is not the default one.")
def main(uri: str, capture: str, socket: Path | None) -> None:
    """Let a Wyoming satellite be a microphone of the daemon."""
    try:
        Wyoming.from_uri(uri)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--uri") from error
    try:
        asyncio.run(run(uri, capture, socket))
    except KeyboardInterrupt:
        click.echo("ended")
    except (SatelliteError, InvalidRequestError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
