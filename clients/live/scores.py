"""One bar for each enrolled speaker: the LLR that it is their voice, with the two boundaries at a third and at two thirds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

from rich.text import Text

from clients.live.bars import bar, fit, position
from clients.live.glyphs import Glyphs
from clients.live.model import Choose, Confirm, Scoring, State

REJECT, ACCEPT = 1 / 3, 2 / 3
"""Where a bar reaches the boundaries, wherever they are: 0 to 1."""
MARGIN: Final = 14
"""Cells for the names at the left."""
_RATIO: Final = 7
"""Cells for the LLR at the right."""
_NARROWEST: Final = 0.1
"""The boundaries are drawn as if they were so far apart at least."""


def score_lines(state: State, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return the axis, and below it at most `height` lines for the speakers, `height` > 0."""
    room = max(width - MARGIN - _RATIO - 1, 1)
    scoring = state.scoring
    marks = {position(boundary, room): glyphs.boundary for boundary in (REJECT, ACCEPT)}
    lines = [Text(fit(" evidence", MARGIN, glyphs)).append_text(_axis(scoring, room))]
    shown = _shown(state, height)
    for name in shown:
        ratio = state.ratios.get(name)
        line = Text(fit(f"{_pointer(state, name, glyphs)}{name}", MARGIN - 1, glyphs) + " ", "bold" if _is_chosen(state, name) else "")
        line.append_text(bar(0.0 if ratio is None else share(ratio, scoring), room, glyphs, _style(ratio, scoring), marks))
        lines.append(line.append(" " * _RATIO if ratio is None else f"{ratio:+{_RATIO}.1f}"))
    hidden = len(state.speakers) - len(shown)
    if hidden:
        lines.append(Text(f" and {hidden} more", "dim"))
    return lines if state.speakers else [*lines, Text(" nobody is enrolled", "dim")]


def share(ratio: float, scoring: Scoring) -> float:
    """Return how far the bar of an LLR goes, 0 to 1: beyond the boundaries as far as between them."""
    between = max(scoring.accept - scoring.reject, _NARROWEST)
    return min(max(REJECT + (ratio - scoring.reject) / between * (ACCEPT - REJECT), 0.0), 1.0)


def _axis(scoring: Scoring, room: int) -> Text:
    """Return the boundaries in words, each beside its cell."""
    reject, accept = position(REJECT, room), position(ACCEPT, room)
    left, right = f"reject {scoring.reject:+.1f} ", f" {scoring.accept:+.1f} accept"
    cells = [" "] * (room + _RATIO)
    cells[reject : reject + 1], cells[accept : accept + 1] = "v", "v"
    if len(left) <= reject:
        cells[reject - len(left) : reject] = left
    if accept + 1 + len(right) <= len(cells):
        cells[accept + 1 : accept + 1 + len(right)] = right
    return Text("".join(cells))


def _style(ratio: float | None, scoring: Scoring) -> str:
    if ratio is None or ratio <= scoring.reject:
        return "red"
    return "green" if ratio >= scoring.accept else "yellow"


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
    return sorted(_best(speakers, state.ratios, room))


def _best(speakers: Sequence[str], ratios: Mapping[str, float], most: int) -> list[str]:
    return sorted(speakers, key=lambda name: (-ratios.get(name, -inf), name))[:most]


def _is_chosen(state: State, name: str) -> bool:
    match state.dialog:
        case Choose(index=index):
            return state.speakers[min(index, len(state.speakers) - 1)] == name
        case Confirm(name=chosen):
            return chosen == name
    return False


def _pointer(state: State, name: str, glyphs: Glyphs) -> str:
    return f"{glyphs.pointer} " if _is_chosen(state, name) else " "
