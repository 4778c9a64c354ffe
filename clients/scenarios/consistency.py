"""Whether the sections of a scenario fit together: what each of them by itself cannot tell."""

from __future__ import annotations

from collections.abc import Iterator

from clients.scenarios.layout import lay_out
from clients.scenarios.scenario import LONGEST, Expect, Never, Scenario
from clients.scenarios.timeline import Timeline

Location = tuple[int | str, ...]
"""Keys and positions that lead to a value of the file."""


def inconsistencies(scenario: Scenario) -> Iterator[tuple[Location, str]]:
    """Yield every problem: where it is, and what to do."""
    timeline = lay_out(scenario)
    yield from _parts(scenario, timeline)
    if timeline.seconds > LONGEST:
        yield ("audio",), f"it lasts {timeline.seconds:.0f} s: at most {LONGEST:.0f} s are played"
        return
    for index, expect in enumerate(scenario.expect):
        yield from _rule(("expect", index), expect, scenario, timeline)
    for index, never in enumerate(scenario.never):
        yield from _rule(("never", index), never, scenario, timeline)


def _parts(scenario: Scenario, timeline: Timeline) -> Iterator[tuple[Location, str]]:
    for span in timeline.spans:
        if span.start < 0:
            yield ("audio", span.part, "overlap"), f"it would begin {-span.start:.3f} s before the stream: overlap less"
    names = [part.name for part in scenario.audio]
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            yield ("audio", index, "name"), f"{name!r} is the name of an earlier part"


def _rule(location: Location, rule: Expect | Never, scenario: Scenario, timeline: Timeline) -> Iterator[tuple[Location, str]]:
    if rule.speaker is not None and rule.speaker not in scenario.enroll:
        yield (*location, "speaker"), f"{rule.speaker!r} is not enrolled; enrolled are: {', '.join(scenario.enroll) or 'nobody'}"
    if rule.during is not None and rule.during not in timeline.names:
        yield (*location, "during"), f"{rule.during!r} is not a part; named parts are: {', '.join(sorted(timeline.names)) or 'none'}"
        return
    start, end = timeline.window(rule.during, rule.start, rule.end)
    if start >= min(end, timeline.seconds):
        yield location, f"it begins at {start:.3f} s and ends at {min(end, timeline.seconds):.3f} s of the stream: leave it some time"
