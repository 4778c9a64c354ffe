from __future__ import annotations

import pytest

from clients.scenarios import load_scenario
from clients.scenarios.layout import lay_out
from clients.scenarios.timeline import Timeline
from tests.clients.scenarios.conftest import Write


@pytest.fixture
def timeline(write: Write) -> Timeline:
    return lay_out(
        load_scenario(
            write("""
audio:
  - silence: 1
  - {file: ramp.wav, name: ramp, from: 0.25, repeat: 2, pause: 0.5}
  - {silence: 2, name: gap}
  - {noise: 1, at: 0.5}
  - {noise: 1, overlap: 0.5}
""")
        )
    )


def test_parts_follow_one_another_unless_they_say_otherwise(timeline: Timeline) -> None:
    assert [(span.label, span.start, span.end) for span in timeline.spans] == [
        ("silence", 0.0, 1.0),
        ("ramp.1", 1.0, 1.75),
        ("ramp.2", 2.25, 3.0),
        ("gap", 3.0, 5.0),
        ("noise", 0.5, 1.5),
        ("noise", 4.5, 5.5),
    ]
    assert timeline.seconds == 5.5


def test_a_part_that_ends_within_the_one_before_does_not_pull_the_next(write: Write) -> None:
    scenario = load_scenario(write("audio: [{noise: 4}, {noise: 1, overlap: 2}, {noise: 1}]"))
    assert [span.start for span in lay_out(scenario).spans] == [0.0, 2.0, 4.0]


def test_names(timeline: Timeline) -> None:
    assert timeline.names == {"ramp", "ramp.1", "ramp.2", "gap"}


@pytest.mark.parametrize(
    ("rule", "window"),
    [
        ((None, 0, None), (0.0, 5.5)),
        ((None, 1.5, 2), (1.5, 2.0)),
        (("ramp.1", 0, None), (1.0, 2.25)),
        (("ramp.2", 0, None), (2.25, 4.5)),
        (("ramp", 0, None), (1.0, 4.5)),
        (("gap", 0, None), (3.0, 5.5)),
        (("ramp.2", 0.5, 9), (2.75, 11.25)),
    ],
)
def test_a_part_reaches_to_the_next_sound(
    timeline: Timeline, rule: tuple[str | None, float, float | None], window: tuple[float, float]
) -> None:
    assert timeline.window(*rule) == window
