from __future__ import annotations

from clients.scenarios import load_scenario
from tests.clients.scenarios.conftest import Write
from tests.clients.scenarios.test_loading import problems


def test_sections_that_do_not_fit_together(write: Write) -> None:
    path = write("""
enroll: {ada: [ramp.wav]}
audio:
  - {noise: 1, name: a, overlap: 2}
  - {noise: 1, name: a, repeat: 2}
expect:
  - {decide: ACCEPT, speaker: bob}
  - {decide: ACCEPT, during: b}
  - {decide: ACCEPT, during: a.3}
  - {decide: ACCEPT, from: 0.5, by: 0.5}
never:
  - {decide: ACCEPT, from: 30}
  - {decide: ACCEPT, during: a.1, from: 1}
""")
    assert problems(path) == [
        "line 4: audio[0].overlap: it would begin 2.000 s before the stream: overlap less",
        "line 5: audio[1].name: 'a' is the name of an earlier part",
        "line 7: expect[0].speaker: 'bob' is not enrolled; enrolled are: ada",
        "line 8: expect[1].during: 'b' is not a part; named parts are: a, a.1, a.2",
        "line 9: expect[2].during: 'a.3' is not a part; named parts are: a, a.1, a.2",
        "line 10: expect[3]: it begins at 0.500 s and ends at 0.500 s of the stream: leave it some time",
        "line 12: never[0]: it begins at 30.000 s and ends at 2.000 s of the stream: leave it some time",
        "line 13: never[1]: it begins at 1.000 s and ends at 1.000 s of the stream: leave it some time",
    ]


def test_a_stream_that_is_too_long(write: Write) -> None:
    path = write("audio: [{noise: 3600}, {noise: 1, name: late}]\nnever: [{decide: ANY, during: nobody}]")
    assert problems(path) == ["line 1: audio: it lasts 3601 s: at most 3600 s are played"]


def test_rules_at_the_end_of_the_stream(write: Write) -> None:
    scenario = load_scenario(write("audio: [{silence: 1, name: a}]\nexpect: [{decide: ANY, during: a, from: 0.9, by: 60}]"))
    assert scenario.expect[0].end == 60
