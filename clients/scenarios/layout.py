"""Where the parts of a scenario are placed."""

from __future__ import annotations

from clients.files import duration
from clients.scenarios.scenario import Noise, Recorded, Scenario, Silence
from clients.scenarios.timeline import Span, Timeline


def lay_out(scenario: Scenario) -> Timeline:
    """Place the parts: each after the one before it, unless it says otherwise."""
    spans: list[Span] = []
    cursor = 0
    for index, part in enumerate(scenario.audio):
        length, pause = round(_seconds(part) * scenario.rate), round(part.pause * scenario.rate)
        start = cursor - round(part.overlap * scenario.rate) if part.at is None else round(part.at * scenario.rate)
        for repetition in range(part.repeat):
            first = start + repetition * (length + pause)
            name, label = _called(part, repetition)
            spans.append(Span(index, name, label, first / scenario.rate, (first + length) / scenario.rate, not isinstance(part, Silence)))
        if part.at is None:
            cursor = max(cursor, start + part.repeat * (length + pause) - pause)
    return Timeline(max(span.end for span in spans), tuple(spans))


def _seconds(part: Recorded | Noise | Silence) -> float:
    match part:
        case Recorded():
            return (duration(part.file) if part.end is None else part.end) - part.start
        case Noise():
            return part.noise
        case Silence():
            return part.silence


def _called(part: Recorded | Noise | Silence, repetition: int) -> tuple[str | None, str]:
    """Return the name and the label of a repetition."""
    number = f".{repetition + 1}" if part.repeat > 1 else ""
    what = part.file.stem if isinstance(part, Recorded) else "noise" if isinstance(part, Noise) else "silence"
    return (part.name and part.name + number), (part.name or what) + number
