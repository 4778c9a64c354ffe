"""Bars, meters and the strip, drawn in characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from clients.live.glyphs import Glyphs
from clients.live.history import COLUMN_SECONDS, QUIET, Column, History
from clients.messages import Outcome

BADGES: Final = {
    Outcome.ACCEPT: "bold black on green",
    Outcome.REJECT: "bold white on red",
    Outcome.UNDECIDED: "bold black on yellow",
    Outcome.AMBIGUOUS: "bold black on yellow",
}
"""Styles of words: with a background of their own, they can be read on any. What a colour says, a word or a sign says, too."""
SOFT, LOUD = -45.0, -10.0
"""Between them, in dBFS, the strip tells soft speech from loud."""
_SHORTEST: Final = 2
"""Cells that are too few for a sign and something of a name."""
_TENS: Final = round(10.0 / COLUMN_SECONDS)
"""Columns from one time on the axis to the next."""


def fit(text: str, width: int, glyphs: Glyphs) -> str:
    """Return the text in exactly so many cells: cut with an ellipsis, or padded."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, max(width - 1, 0)).rstrip() + glyphs.ellipsis, width)


def bar(value: float, width: int, glyphs: Glyphs, style: str, marks: Mapping[int, str] | None = None) -> Text:
    """Return a bar of that width, filled to `value`, 0 to 1. marks: characters that stand in it, filled or not, by their cell."""
    steps = len(glyphs.parts) + 1
    full, part = divmod(round(min(max(value, 0.0), 1.0) * width * steps), steps)
    text = Text(no_wrap=True)
    for cell in range(width):
        if marks and cell in marks:
            text.append(marks[cell], "bold")
        elif cell < full:
            text.append(glyphs.full, style)
        elif cell == full and part:
            text.append(glyphs.parts[part - 1], style)
        else:
            text.append(glyphs.empty, "dim")
    return text


def position(value: float, width: int) -> int:
    """Return the cell of a bar that `value`, 0 to 1, falls in."""
    return min(max(int(value * width), 0), width - 1)


def loudness(dbfs: float) -> float:
    """Return how far a meter goes, 0 to 1."""
    return min(max(1.0 - dbfs / QUIET, 0.0), 1.0)


def sound(history: History, width: int, glyphs: Glyphs) -> Text:
    """Return the last columns of the history, the newest at the right: how loud the speech was."""
    columns = history.columns[-width:]
    text = Text(" " * (width - len(columns)), no_wrap=True)
    for column in columns:
        text.append(*_column(column, glyphs))
    return text


def decisions(history: History, width: int, glyphs: Glyphs) -> Text:
    """Return the decisions of those columns, each ending below the column in which it fell, as far as the one before leaves room.

    Of several acceptances of one speaker in a row, the first that has room for it has their name.
    """
    text = Text(no_wrap=True)
    named = ""
    for mark in history.marks:
        room = width - (history.newest - mark.column) - text.cell_len
        sign, who = glyphs.signs[mark.decision.outcome], mark.decision.speaker if mark.decision.outcome is Outcome.ACCEPT else ""
        # A label does not touch the one before, but for its sign: that is what must be seen.
        shown = _label(sign, who if who != named else "", room - (1 if text else 0), glyphs)
        named = who if shown != sign or who == named else ""
        if room > 0:
            text.append(" " * (room - cell_len(shown)))
            text.append(shown, BADGES[mark.decision.outcome])
    return text


def axis(width: int) -> Text:
    """Return the times below those columns."""
    cells = [" "] * width
    for seconds, end in _times(width):
        label = f"-{seconds} s" if seconds else "now"
        cells[max(end - len(label), 0) : end] = label
    return Text("".join(cells)[:width], "dim", no_wrap=True)


def _times(width: int) -> Sequence[tuple[int, int]]:
    """Return seconds ago, and the column that they end at, as far as there is room for a label."""
    return [(number * 10, width - number * _TENS) for number in range(width // _TENS + 1) if width - number * _TENS >= len("-100 s")]


def _column(column: Column, glyphs: Glyphs) -> tuple[str, str]:
    if not column.speech:
        return glyphs.empty, "dim"
    loud = (column.rms_dbfs - SOFT) / (LOUD - SOFT)
    return glyphs.levels[position(loud, len(glyphs.levels))], "cyan"


def _label(sign: str, name: str, room: int, glyphs: Glyphs) -> str:
    return sign + fit(name, min(cell_len(name), room - 1), glyphs) if room > _SHORTEST else sign
