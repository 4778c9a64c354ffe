from __future__ import annotations

import re
from pathlib import Path

import pytest
import soundfile

from clients.scenarios import load_scenario, render
from clients.scenarios.scenario import Background, Expect, Never, Noise, Recorded, Scenario, Section, Silence

PAGE = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text(encoding="utf-8")


def test_the_example_is_a_scenario(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)[0]
    for name in re.findall(r"[\w-]+\.(?:wav|flac)", example):
        soundfile.write(tmp_path / name, [0.1] * 80_000, 16_000)
    (tmp_path / "door.yaml").write_text(example, encoding="utf-8")
    scenario = load_scenario(tmp_path / "door.yaml")
    assert (len(scenario.expect), len(scenario.never)) == (2, 1)
    assert render(scenario).timeline.seconds == pytest.approx(2 + 5 + 2 + 5)


@pytest.mark.parametrize("section", [Scenario, Background, Silence, Noise, Recorded, Expect, Never])
def test_every_key_is_documented(section: type[Section]) -> None:
    for name, field in section.model_fields.items():
        assert re.search(rf"`{field.alias or name}\b", PAGE), name
