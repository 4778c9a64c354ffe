"""Makes the picture of the live screen in the README: `python -m tests.clients.live.picture docs/images/live.svg`.

A real run at a terminal: a temporary daemon hears a scenario that ships, and the emulator's screen is drawn when the owner is accepted.
"""

from __future__ import annotations

import sys
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Final

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from clients.live.glyphs import UNICODE
from tests.clients.live.emulator import speakerctl

SCENARIO: Final = Path(__file__).parents[3] / "clients" / "scenarios" / "examples" / "front-door.yaml"
ROWS: Final = 21
"""As many as are filled."""
MOMENT: Final = 0.8
"""Seconds from the acceptance to the picture: the next attempt is on its way."""
_NAMES: Final = {"brown": "yellow", "default": None}
"""Colours whose name is another for rich."""
# Rich's own format loads a font from the network.
_FORMAT: Final = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; \
line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture(screen: pyte.Screen) -> str:
    """Return what an emulator shows, as SVG."""
    console = Console(width=screen.columns, record=True, file=StringIO(), force_terminal=True, color_system="standard")
    for row in range(screen.lines):
        console.print(_line(screen, row), no_wrap=True, crop=True)
    return console.export_svg(title="speakerctl live", code_format=_FORMAT, unique_id="live")


def _line(screen: pyte.Screen, row: int) -> Text:
    cells = (screen.buffer[row][column] for column in range(screen.columns))
    return Text.assemble(*(("".join(cell.data for cell in run), style) for style, run in groupby(cells, _style)))


def _style(cell: pyte.screens.Char) -> Style:
    # The emulator does not know what is dim.
    dim = cell.data == UNICODE.empty
    color, background = _NAMES.get(cell.fg, cell.fg), _NAMES.get(cell.bg, cell.bg)
    return Style(color=color, bgcolor=background, bold=cell.bold, italic=cell.italics, reverse=cell.reverse, dim=dim)


def main(path: Path) -> None:
    """Run the screen and write its picture."""
    with speakerctl("live", "--scenario", SCENARIO, rows=ROWS) as person:
        person.sees("ACCEPT   owner")
        person.watches(MOMENT)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture(person.screen), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
