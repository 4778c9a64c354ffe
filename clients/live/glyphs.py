"""The characters that the screen is drawn with: for terminals that know Unicode, and for those that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clients.messages import Outcome


@dataclass(frozen=True, slots=True)
class Glyphs:
    """full: a filled cell of a bar; parts: one filled by so many parts, from the left; empty: one that is not.

    boundary: where a score is accepted or rejected from. peak: on the level meter. levels: from soft to loud, for speech.
    rule: a line. signs: of outcomes, readable without colours. pointer: at what is chosen. speech, silence: does someone speak?
    """

    full: str
    parts: str
    empty: str
    boundary: str
    peak: str
    levels: str
    rule: str
    signs: dict[Outcome, str]
    pointer: str
    speech: str
    silence: str
    ellipsis: str


UNICODE: Final = Glyphs(
    full="█",
    parts="▏▎▍▌▋▊▉",
    empty="·",
    boundary="│",
    peak="▌",
    levels="▁▂▃▄▅▆▇█",
    rule="─",
    signs={Outcome.ACCEPT: "✓", Outcome.REJECT: "✗", Outcome.UNDECIDED: "?", Outcome.AMBIGUOUS: "≈"},
    pointer="▶",
    speech="●",
    silence="○",
    ellipsis="…",
)
ASCII: Final = Glyphs(
    full="#",
    parts="",
    empty=".",
    boundary="|",
    peak="!",
    levels=":+#",
    rule="-",
    signs={Outcome.ACCEPT: "+", Outcome.REJECT: "x", Outcome.UNDECIDED: "?", Outcome.AMBIGUOUS: "="},
    pointer=">",
    speech="*",
    silence="o",
    ellipsis="~",
)


def glyphs_for(encoding: str) -> Glyphs:
    """Return the characters for a terminal with that encoding."""
    return UNICODE if encoding.lower().startswith("utf") else ASCII
