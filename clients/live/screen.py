"""The live screen: a terminal, the keys pressed at it, and what is heard meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from clients.client import Client
from clients.errors import ClientError
from clients.live.actions import Actions
from clients.live.glyphs import glyphs_for
from clients.live.keys import Keyboard, keyboard
from clients.live.model import Ended, Message, Pressed, Quit, Scoring, Source, State
from clients.live.update import update
from clients.live.view import render
from clients.subscription import SubscriptionEvent

FRAME_SECONDS: Final = 0.1
"""The screen is drawn again after so long; a key at once."""


class Screen:
    """Shows a state, and lets messages change it until someone quits."""

    def __init__(self, console: Console, state: State) -> None:
        self._console = console
        self._state = state
        self._glyphs = glyphs_for(console.encoding)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n", no_wrap=True).join(self._lines(options.size))

    def run(self, keyboard: Keyboard, actions: Actions, inbox: SimpleQueue[Message]) -> None:
        """Show what happens until `q`, or until the terminal is gone. Raises what keeps the daemon from being heard at that moment."""
        with Live(self, console=self._console, screen=True, auto_refresh=False) as live:
            shown: list[Text] = []
            while self._goes_on(keyboard, actions, inbox):
                lines = self._lines(self._console.size)
                if lines != shown:
                    shown = lines
                    live.refresh()
        if self._state.error is not None:
            raise self._state.error

    def _lines(self, size: ConsoleDimensions) -> list[Text]:
        return render(self._state, size.width, size.height, self._glyphs)

    def _goes_on(self, keyboard: Keyboard, actions: Actions, inbox: SimpleQueue[Message]) -> bool:
        """Take in what has happened since the last frame; return whether to draw another."""
        try:
            keys = keyboard.read(FRAME_SECONDS)
        except EOFError:
            return False
        for message in [*_waiting(inbox), *map(Pressed, keys)]:
            self._state, command = update(self._state, message)
            if isinstance(command, Quit):
                return False
            if command is not None:
                actions.carry_out(command)
        return True


def show(console: Console, client: Client, source: Source, events: Iterable[SubscriptionEvent]) -> None:
    """Show what is heard on the terminal, and do what its keys say, until `q`.

    Raises the error that keeps the daemon from being heard when it ends.
    """
    status = client.status()
    speakers = tuple(speaker.name for speaker in client.speakers())
    state = State(source, Scoring(status.model_id, status.accept_llr, status.reject_llr), speakers)
    inbox: SimpleQueue[Message] = SimpleQueue()
    _listen(events, inbox)
    with keyboard(sys.stdin.fileno()) as keys, closing(Actions(client, source.capture, inbox)) as actions:
        Screen(console, state).run(keys, actions, inbox)


def _listen(events: Iterable[SubscriptionEvent], inbox: SimpleQueue[Message]) -> None:
    """Put events into the inbox as they come, from a thread of its own, and that they have ended."""

    def read() -> None:
        try:
            for event in events:
                inbox.put(event)
            inbox.put(Ended())
        except ClientError as error:
            inbox.put(Ended(error))

    Thread(target=read, name="listen", daemon=True).start()


def _waiting(inbox: SimpleQueue[Message]) -> list[Message]:
    messages: list[Message] = []
    while True:
        try:
            messages.append(inbox.get_nowait())
        except Empty:
            return messages
