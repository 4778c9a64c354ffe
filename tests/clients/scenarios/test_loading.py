from __future__ import annotations

from pathlib import Path

import pytest

from clients.errors import ScenarioError
from clients.scenarios import load_scenario
from tests.clients.scenarios.conftest import EXAMPLES, Write


def problems(path: Path) -> list[str]:
    """Return what is wrong with a scenario, without its path."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    first, *rest = str(caught.value).replace(f"{path.parent}/", "").splitlines()
    assert first == f"{path.name} is invalid:"
    return [line.strip() for line in rest]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_valid(path: Path) -> None:
    assert load_scenario(path).expect


def test_defaults(write: Write) -> None:
    scenario = load_scenario(write("audio: [silence: 2]"))
    assert (scenario.title, scenario.rate, scenario.seed, scenario.enroll) == ("test", 16_000, 0, {})


def test_paths_start_from_the_scenario(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("enroll: {ada: [ramp.wav]}\naudio: [{file: ramp.wav}]")
    monkeypatch.chdir(tmp_path.parent)
    scenario = load_scenario(path.relative_to(tmp_path.parent))
    assert scenario.enroll == {"ada": (tmp_path / "ramp.wav",)}


def test_all_problems_are_told_at_once_with_their_lines(write: Write) -> None:
    path = write("""
titel: door
rate: 100
enroll:
  1: [ramp.wav]
  ada: ramp.wav
  bob: []
  eve: [gone.wav, 3]
background: {level_dbfs: 3, colour: pink}
audio:
  - fil: ramp.wav
  - file: ramp.wav
    gain_db: .inf
    silence: 3
  - noise: -1
    repeat: 2.5
    name: 1st
  - 7
  - file: ramp.wav
    to: 3
  - noise: 1
    at: 3
    overlap: 1
expect:
  - {decide: accept, from: x}
  - {decide: REJECT, speaker: ada}
  - {}
never: 7
""")
    assert problems(path) == [
        "line 2: titel: unknown key; known here: title, rate, seed, enroll, background, audio, expect, never",
        "line 3: rate: 100 is out of range: 8000 to 48000 are allowed",
        "line 5: enroll[1]: 1 is not text",
        "line 6: enroll.ada: 'ramp.wav' is not a list",
        "line 7: enroll.bob: the list is empty: name at least one",
        "line 8: enroll.eve[0]: gone.wav does not exist",
        "line 8: enroll.eve[1]: 3 is not the path of a file",
        "line 9: background.colour: unknown key; known here: level_dbfs, color",
        "line 9: background.level_dbfs: 3 is out of range: -100 to 0 are allowed",
        "line 11: audio[0]: {'fil': 'ramp.wav'}: a part is a mapping with one of the keys file, noise, silence",
        "line 13: audio[1].gain_db: inf: should be a finite number",
        "line 14: audio[1].silence: unknown key; known here: name, at, overlap, repeat, pause, file, from, to, gain_db",
        "line 15: audio[2].noise: -1 is out of range: 0.01 to 3600 are allowed",
        "line 16: audio[2].repeat: 2.5 is not a whole number",
        "line 17: audio[2].name: '1st' is not a name: use letters, digits, _ and -, and begin with a letter",
        "line 18: audio[3]: 7: a part is a mapping with one of the keys file, noise, silence",
        "line 19: audio[4]: from must come before to, and both must lie in the recording, which lasts 1.000 s",
        "line 21: audio[5]: at and overlap both say where it begins: give one of them",
        "line 25: expect[0].decide: 'accept': must be 'ACCEPT', 'REJECT', 'UNDECIDED', 'AMBIGUOUS' or 'ANY'",
        "line 25: expect[0].from: 'x' is not a number",
        "line 26: expect[1]: speaker goes with decide: ACCEPT; with REJECT nobody is recognised",
        "line 27: expect[2].decide: missing",
        "line 28: never: 7 is not a list",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: audio: missing"),
        ("[]", "line 1: top level: [] is not a mapping"),
        ("audio: []", "line 1: audio: the list is empty: name at least one"),
        ("audio: [{file: test.yaml}]", "line 1: audio[0].file: test.yaml cannot be read as audio; use a wav, flac, ogg, opus or mp3 file"),
        ('{title: "\\e", audio: [silence: 1]}', "line 1: title: '\\x1b' has characters that cannot be printed"),
    ],
)
def test_one_problem(write: Write, text: str, problem: str) -> None:
    assert problems(write(text)) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"), [("audio: [", "is not valid YAML"), ("rate: 1\nrate: 2", "rate is given twice"), ("a: !!python/name:os.x", "tag")]
)
def test_what_is_no_yaml(write: Write, text: str, problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        load_scenario(write(text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read: No such file") as caught:
        load_scenario(tmp_path / "gone.yaml")
    assert caught.value.reason == "SCENARIO_INVALID"


def test_an_empty_recording(write: Write, tmp_path: Path) -> None:
    path = write("audio: [{file: empty.wav}]")
    header = (tmp_path / "ramp.wav").read_bytes()[:44]
    (tmp_path / "empty.wav").write_bytes(header[:40] + bytes(4))
    assert problems(path) == ["line 1: audio[0].file: empty.wav holds no audio"]
