"""One bar for each enrolled speaker, with the two boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.text import Text

from clients.live.bars import bar, fit, position
from clients.live.glyphs import Glyphs
from clients.live.model import Choose, Confirm, Scoring, State

MARGIN: Final = 14
"""Cells for the names at the left."""
_SCORE: Final = 7


def score_lines(state: State, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return the axis, and below it at most `height` lines for the speakers, `height` > 0."""
    room = max(width - MARGIN - _SCORE - 1, 1)
    scoring = state.scoring
    marks = {position(boundary, room): glyphs.boundary for boundary in (scoring.reject, scoring.accept)}
    lines = [Text(fit(" score", MARGIN, glyphs)).append_text(_axis(scoring, room))]
    shown = _shown(state, height)
    for name in shown:
        score = state.scores.get(name)
        line = Text(fit(f"{_pointer(state, name, glyphs)}{name}", MARGIN - 1, glyphs) + " ", "bold" if _is_chosen(state, name) else "")
        line.append_text(bar(score or 0.0, room, glyphs, _style(score, scoring), marks))
        lines.append(line.append(" " * _SCORE if score is None else f"{score:{_SCORE}.2f}"))
    hidden = len(state.speakers) - len(shown)
    if hidden:
        lines.append(Text(f" and {hidden} more", "dim"))
    return lines if state.speakers else [*lines, Text(" nobody is enrolled", "dim")]


def _axis(scoring: Scoring, room: int) -> Text:
    """Return the boundaries in words, each beside its cell."""
    reject, accept = position(scoring.reject, room), position(scoring.accept, room)
    left, right = f"reject {scoring.reject:.2f} ", f" {scoring.accept:.2f} accept"
    cells = [" "] * (room + _SCORE)
    cells[reject : reject + 1], cells[accept : accept + 1] = "v", "v"
    if len(left) <= reject:
        cells[reject - len(left) : reject] = left
    if accept + 1 + len(right) <= len(cells):
        cells[accept + 1 : accept + 1 + len(right)] = right
    return Text("".join(cells))


def _style(score: float | None, scoring: Scoring) -> str:
    if score is None or score < scoring.reject:
        return "red"
    return "green" if score >= scoring.accept else "yellow"


def _shown(state: State, height: int) -> Sequence[str]:
    """Return who is shown: by name if there is room for all, else those who are chosen from, or who fit best."""
    speakers = state.speakers
    if len(speakers) <= height:
        return speakers
    room = height - 1
    chosen = next((index for index, name in enumerate(speakers) if _is_chosen(state, name)), None)
    if chosen is not None:
        first = min(max(chosen - room // 2, 0), len(speakers) - room)
        return speakers[first : first + room]
    return sorted(_best(speakers, state.scores, room))


def _best(speakers: Sequence[str], scores: Mapping[str, float], most: int) -> list[str]:
    return sorted(speakers, key=lambda name: (-scores.get(name, -1.0), name))[:most]


def _is_chosen(state: State, name: str) -> bool:
    match state.dialog:
        case Choose(index=index):
            return state.speakers[min(index, len(state.speakers) - 1)] == name
        case Confirm(name=chosen):
            return chosen == name
    return False


def _pointer(state: State, name: str, glyphs: Glyphs) -> str:
    return f"{glyphs.pointer} " if _is_chosen(state, name) else " "
