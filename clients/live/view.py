"""The live screen as lines of text: a pure function of its state and of the size of the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from clients.live.bars import BADGES, axis, bar, decisions, fit, loudness, position, sound
from clients.live.glyphs import Glyphs
from clients.live.model import Source, State, Verdict
from clients.live.panel import KEYS, panel
from clients.live.scores import MARGIN, score_lines
from clients.messages import Decision
from clients.words import REASONS, probability, who

SMALLEST: Final = (40, 10)
"""Columns and rows; a smaller terminal only shows the verdict."""
_PANEL: Final = 4
"""Rows for what to do next, or a dialog."""
_FIXED: Final = 7
"""Rows that are always there, besides the panel and the speakers: title, level, axis of scores, verdict (3), keys."""
_STRIP: Final = 3
_GAPS: Final = 5
_SPEAKERS: Final = 3
"""Rows of speakers that come before everything that can be left out."""


def render(state: State, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return exactly `height` lines, each of at most `width` cells."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        lines = [*_verdict(state, glyphs), Text(f"Too small: {SMALLEST[0]} x {SMALLEST[1]} at least.")]
        return _cropped(lines, width, height)
    return _cropped(_laid_out(state, width, height, glyphs), width, height)


def _laid_out(state: State, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Put the sections together, with as many speakers as there is room for; what matters least is left out first."""
    room = height - _FIXED - _PANEL - _SPEAKERS
    strip = _STRIP if room >= _STRIP else 0
    gaps = max(min(room - strip, _GAPS), 0)
    speakers = min(height - _FIXED - _PANEL - strip - gaps, max(len(state.speakers), 1))
    sections = [
        [_title(state, width, glyphs)],
        [_level(state, width, glyphs)],
        score_lines(state, width, speakers, glyphs),
        _verdict(state, glyphs),
        _strip(state, width, glyphs) if strip else [],
        panel(state, width, _PANEL, glyphs),
    ]
    lines = []
    for number, section in enumerate(section for section in sections if section):
        # The first gaps go where they help most: after the title, around the scores.
        lines += [Text()] if 0 < number <= gaps else []
        lines += section
    lines += [Text()] * (height - 1 - len(lines))
    return [*lines[: height - 1], Text(fit(KEYS[type(state.dialog)], width, glyphs), "reverse")]


def _cropped(lines: Sequence[Text], width: int, height: int) -> list[Text]:
    cropped = []
    for line in [*lines, *[Text()] * height][:height]:
        line.truncate(width)
        line.no_wrap = True
        cropped.append(line)
    return cropped


def _title(state: State, width: int, glyphs: Glyphs) -> Text:
    left = f" speakerd live  {state.source.title}"
    enrolled = f"{len(state.speakers)} enrolled"
    right = f"{_store(state.source)}{state.scoring.model_id}  {enrolled} "
    if len(left) + len(right) > width:
        right = f"{enrolled} "
    return Text(fit(left, width - len(right), glyphs) + right, "reverse")


def _store(source: Source) -> str:
    return "temporary  " if source.own else ""


def _level(state: State, width: int, glyphs: Glyphs) -> Text:
    level = state.level
    said = "SPEECH" if level is not None and level.speech else "silence"
    sign = glyphs.speech if said == "SPEECH" else glyphs.silence
    right = f"  {level.rms_dbfs:4.0f} dB  {sign} {said}" if level is not None else "  no sound yet" if not state.ended else "  no sound"
    room = max(width - MARGIN - len("   -60 dB  o silence") - 1, 1)
    line = Text(fit(" level", MARGIN, glyphs))
    value, marks = (loudness(level.rms_dbfs), {position(loudness(level.peak_dbfs), room): glyphs.peak}) if level else (0.0, {})
    line.append_text(bar(value, room, glyphs, "yellow" if state.clipping else "cyan", marks))
    return line.append(right, "bold" if said == "SPEECH" else "")


def _verdict(state: State, glyphs: Glyphs) -> list[Text]:
    """Return what was decided last, why, and what goes on since."""
    if state.verdict is None:
        return [Text(), Text(), _running(state)]
    decision = state.verdict.decision
    name = who(decision)
    badge = f" {glyphs.signs[decision.outcome]} {decision.outcome.value} "
    return [
        Text.assemble(" ", (badge, BADGES[decision.outcome]), (f"  {name}".rstrip(), "bold"), f"  {_times(state.verdict, state.at)}"),
        Text(f" {REASONS[decision.reason]}{_ratio(decision)}"),
        _running(state),
    ]


def _ratio(decision: Decision) -> str:
    if not decision.candidates:
        return ""
    return f": LLR {decision.llr:+.1f}, {decision.margin_accept:+.1f} from acceptance; posterior {probability(decision.posterior)}"


def _times(verdict: Verdict, now: float) -> str:
    ago = int(now - verdict.decision.at)
    times = [] if verdict.seconds is None else [f"{verdict.seconds:.1f} s after the speech began"]
    return ", ".join([*times, *([f"{ago} s ago"] if ago > 0 else [])])


def _running(state: State) -> Text:
    decision = state.running
    if state.speaking is None:
        return Text(f" following {state.followed} while they speak" if state.followed else "")
    if decision is None or not decision.candidates:
        return Text(" listening ...")
    expected = "" if decision.expected_speech is None else f", about {decision.expected_speech:.1f} s more"
    heard = f"LLR {decision.llr:+.1f} after {decision.evidence.speech:.1f} s of speech"
    return Text(f" listening: {decision.speaker} fits best, {heard}{expected}")


def _strip(state: State, width: int, glyphs: Glyphs) -> list[Text]:
    room = max(width - MARGIN - 1, 1)
    rows = (("heard", sound), ("decided", decisions))
    strip = [Text(fit(f" {name}", MARGIN, glyphs)).append_text(draw(state.history, room, glyphs)) for name, draw in rows]
    return [*strip, Text(" " * MARGIN).append_text(axis(room))]
