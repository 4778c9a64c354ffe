"""The teachers whose weights nobody offers: their shapes, and how a run's result becomes one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from models.teachers import TEACHERS, TeacherError, load_teacher, trainable, untrained_teacher
from models.teachers.__main__ import main

SHAPES = {
    "xvector": (4_354_964, [(2, 60, 1500), (2, 3000), (2, 512)]),
    "dtdnn": (2_855_936, [(2, 60, 512), (2, 1024), (2, 512)]),
}


def test_those_are_all() -> None:
    assert set(trainable()) == set(SHAPES)
    assert set(TEACHERS) == {*SHAPES, "campplus"}


@pytest.mark.parametrize("name", SHAPES)
def test_levels_and_sizes(name: str) -> None:
    parameters, shapes = SHAPES[name]
    network = untrained_teacher(name)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    levels = network.levels(torch.randn(2, 60, 80))
    assert [tuple(level.shape) for level in levels] == shapes


@pytest.mark.parametrize("name", SHAPES)
def test_the_level_of_the_input_does_not_matter(name: str) -> None:
    torch.manual_seed(0)
    network, frames = untrained_teacher(name).eval(), torch.randn(1, 60, 80)
    torch.testing.assert_close(network.levels(frames).embedding, network.levels(frames + 3.0).embedding, rtol=1e-3, atol=1e-4)


def test_what_a_run_trained_becomes_a_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKERD_TEACHERS", str(tmp_path / "weights"))
    network = untrained_teacher("dtdnn")
    torch.save({"student": network.state_dict()}, tmp_path / "checkpoint.pt")
    result = CliRunner().invoke(main, ["add", "dtdnn", str(tmp_path / "checkpoint.pt")])
    assert result.exit_code == 0, result.output
    loaded = load_teacher("dtdnn")
    assert not loaded.training
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKERD_TEACHERS", str(tmp_path / "weights"))
    torch.save({"student": untrained_teacher("dtdnn").state_dict()}, tmp_path / "checkpoint.pt")
    result = CliRunner().invoke(main, ["add", "xvector", str(tmp_path / "checkpoint.pt")])
    assert result.exit_code == 2
    assert "holds no xvector" in result.output
    assert not (tmp_path / "weights").exists()
    assert CliRunner().invoke(main, ["add", "campplus", str(tmp_path / "checkpoint.pt")]).exit_code == 1


def test_an_unknown_teacher_is_named() -> None:
    with pytest.raises(TeacherError, match=r"nobody.*xvector"):
        load_teacher("nobody")
