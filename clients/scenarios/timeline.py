"""When each part of a scenario is heard. All times are in seconds, exact to the sample."""

from __future__ import annotations

from dataclasses import dataclass


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

    def window(self, during: str | None, start: float, end: float | None) -> tuple[float, float]:
        """Return from when to when a rule is about decisions, by what it says of that."""
        first, last = self._during(during)
        return first + start, last if end is None else first + end

    def _during(self, name: str | None) -> tuple[float, float]:
        """Return from when to when decisions are those of a part, or of the whole stream.

        A decision often comes in the pause after the speech that it is about: a part reaches to where the next sound begins.
        """
        if name is None:
            return 0.0, self.seconds
        spans = [span for span in self.spans if span.name is not None and name in (span.name, span.name.partition(".")[0])]
        end = max(span.end for span in spans)
        return spans[0].start, min((span.start for span in self.spans if span.sounds and span.start >= end), default=self.seconds)
