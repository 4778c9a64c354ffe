"""What keys do, by what the screen asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from unicodedata import normalize

from clients.live.model import AskName, Choose, Command, Confirm, Delete, Enroll, Enrolling, GiveUp, Quit, State
from clients.messages import EnrollMode

NAME_LENGTH: Final = 64
"""As many characters as the daemon takes by default."""


def pressed(state: State, key: str) -> tuple[State, Command | None]:
    """Return the state after a key, and what is to be done because of it."""
    match state.dialog:
        case None:
            return _idle(state, key)
        case AskName():
            return _name(state, state.dialog, key)
        case Enrolling():
            return _enrolling(state, key)
        case Choose():
            return _choose(state, state.dialog, key)
        case Confirm():
            return _confirm(state, state.dialog, key)


def _idle(state: State, key: str) -> tuple[State, Command | None]:
    match key:
        case "q":
            return state, Quit()
        case "e" if state.ended:
            return state.noted("Nothing more is heard, so nobody can be enrolled."), None
        case "e":
            return replace(state, dialog=AskName(), notice=None), None
        case "d" if not state.speakers:
            return state.noted("Nobody is enrolled, so nobody can be deleted."), None
        case "d":
            return replace(state, dialog=Choose(), notice=None), None
    return state, None


def _name(state: State, dialog: AskName, key: str) -> tuple[State, Command | None]:
    match key:
        case "escape":
            return replace(state, dialog=None), None
        case "backspace":
            return replace(state, dialog=AskName(dialog.text[:-1])), None
        case "enter" if name := normalize("NFC", dialog.text.strip()):
            mode = EnrollMode.ADD if name in state.speakers else EnrollMode.CREATE
            return replace(state, dialog=Enrolling(name, mode, state.at), speaking=None, running=None, ratios={}, verdict=None), Enroll(
                name, mode
            )
    if len(key) == 1 and key.isprintable() and len(dialog.text) < NAME_LENGTH:
        return replace(state, dialog=AskName(dialog.text + key)), None
    return state, None


def _enrolling(state: State, key: str) -> tuple[State, Command | None]:
    if key == "escape":
        return replace(state, dialog=None).noted("Nobody was enrolled."), GiveUp()
    return state, None


def _choose(state: State, dialog: Choose, key: str) -> tuple[State, Command | None]:
    # Speakers may have gone meanwhile.
    last = len(state.speakers) - 1
    index = min(dialog.index, last)
    match key:
        case "escape":
            return replace(state, dialog=None), None
        case "up":
            return replace(state, dialog=Choose(max(index - 1, 0))), None
        case "down":
            return replace(state, dialog=Choose(min(index + 1, last))), None
        case "enter" if index >= 0:
            return replace(state, dialog=Confirm(state.speakers[index])), None
    return replace(state, dialog=Choose(_next_called(state.speakers, index, key))), None


def _next_called(speakers: Sequence[str], index: int, initial: str) -> int:
    """Return the index of the next speaker whose name begins with a letter, by turns; `index` if there is none."""
    following = [*range(index + 1, len(speakers)), *range(index + 1)]
    return next((other for other in following if speakers[other].casefold().startswith(initial.casefold())), index)


def _confirm(state: State, dialog: Confirm, key: str) -> tuple[State, Command | None]:
    match key:
        case "y" | "Y":
            return replace(state, dialog=None), Delete(dialog.name)
        case "n" | "N" | "escape":
            return replace(state, dialog=None).noted(f"{dialog.name} stays enrolled."), None
    return state, None
