"""The lines above the keys: what is asked, how an enrollment goes, what is wrong, what to do next."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from clients.live.bars import bar, fit
from clients.live.glyphs import Glyphs
from clients.live.hints import SENTENCES, advice, alarm, quality
from clients.live.model import AskName, Choose, Confirm, Enrolling, State

KEYS: Final = {
    type(None): " e enroll   d delete   q quit",
    AskName: " enter go on   escape leave",
    Enrolling: " escape give up",
    Choose: " up, down or a letter choose   enter delete   escape leave",
    Confirm: " y delete   n keep",
}
"""What the keys do, by the type of the dialog."""
_QUESTION: Final = " Who will speak? "
_NAME: Final = 20
"""Cells of a name beside a bar."""


def panel(state: State, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return exactly `height` lines."""
    lines = _lines(state, width, glyphs)
    return [*lines, *[Text()] * height][:height]


def _lines(state: State, width: int, glyphs: Glyphs) -> list[Text]:
    match state.dialog:
        case AskName(text=text):
            known = "Known: what is said now is added to their voiceprint." if text.strip() in state.speakers else ""
            return [Text.assemble(_QUESTION, (text[len(_QUESTION) + 1 - width :], "bold"), "_"), Text(f" {known}")]
        case Enrolling():
            return _enrolling(state, state.dialog, width, glyphs)
        case Choose():
            return [Text(" Who is to be deleted?")]
        case Confirm(name=name):
            return [Text.assemble(" Delete everything derived from the voice of ", (name, "bold"), "?")]
        case None:
            return _idle(state, width)


def _idle(state: State, width: int) -> list[Text]:
    if state.notice is not None:
        return [*_alarm(state, width), *_wrapped(state.notice.text, width)]
    return [*_alarm(state, width), *(Text(f" {line}") for line in advice(state))]


def _enrolling(state: State, enrolling: Enrolling, width: int, glyphs: Glyphs) -> list[Text]:
    progress = enrolling.progress
    speech, needed = (progress.speech, progress.needed) if progress is not None else (0.0, 0.0)
    share = speech / (speech + needed) if speech else 0.0
    name = fit(enrolling.name, min(cell_len(enrolling.name), _NAME), glyphs)
    line = Text.assemble(" Enrolling ", (name, "bold"), " ")
    line.append_text(bar(share, max(min(30, width - line.cell_len - 22), 5), glyphs, "cyan"))
    line.append(f" {speech:.1f} s of speech")
    sentences = [Text(f" {sentence}", "italic") for sentence in SENTENCES]
    return [line, Text(f" {quality(enrolling, state.at)}", "bold"), *(_alarm(state, width) or sentences)]


def _alarm(state: State, width: int) -> list[Text]:
    text = alarm(state)
    return _wrapped(f"! {text}", width) if text else []


def _wrapped(text: str, width: int) -> list[Text]:
    return [Text(f" {line}", "bold") for line in wrap(text, width - 2)]
