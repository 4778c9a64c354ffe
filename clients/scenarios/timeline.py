"""When each part of a scenario is heard. All times are in seconds, exact to the sample."""

from __future__ import annotations

from dataclasses import dataclass

from clients.files import duration
from clients.scenarios.scenario import Expect, Never, Noise, Recorded, Scenario, Silence


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the scenario, or one repetition of it.

    part: its position in `audio`. name: what rules call it, None without a name. label: for people.
    """

    part: int
    name: str | None
    label: str
    start: float
    end: float
    sounds: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """The parts as they were placed, in the file's order, and how long it all lasts."""

    seconds: float
    spans: tuple[Span, ...]

    @property
    def names(self) -> set[str]:
        """What `during` may name: parts, and repetitions as PART.1, PART.2, ..."""
        names = {span.name for span in self.spans if span.name is not None}
        return names | {name.partition(".")[0] for name in names}

    def window(self, rule: Expect | Never) -> tuple[float, float]:
        """Return from when to when a rule is about decisions."""
        start, end = self._during(rule.during)
        return start + rule.start, end if rule.end is None else start + rule.end

    def _during(self, name: str | None) -> tuple[float, float]:
        """Return from when to when decisions are those of a part, or of the whole stream.

        A decision often comes in the pause after the speech that it is about: a part reaches to where the next sound begins.
        """
        if name is None:
            return 0.0, self.seconds
        spans = [span for span in self.spans if span.name is not None and name in (span.name, span.name.partition(".")[0])]
        end = max(span.end for span in spans)
        return spans[0].start, min((span.start for span in self.spans if span.sounds and span.start >= end), default=self.seconds)


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
