"""A real run on a tiny data directory: targets by CAM++, and training that goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from models.audio import read_audio
from models.distill.config import DistillConfig, RecipeError
from models.distill.material import Material, load_material
from models.distill.targets import GRID_FRAMES
from models.distill.train import Trainer, rate
from models.evaluate.figures import TooFewTrialsError
from models.features import log_mel
from models.student import Student
from models.teachers.campplus import load

LOSSES = {"embedding", "relational", "prototypes", "pooled", "frame"}


@pytest.fixture(scope="module")
def material(config: DistillConfig) -> Material:
    return load_material(config)


class _StopError(Exception):
    """Stands in for the power cut."""


def test_targets_are_the_levels_of_the_teacher(material: Material) -> None:
    path = material.recordings[3].path
    levels = load().levels(torch.from_numpy(log_mel(read_audio(path)))[None])
    frames = torch.from_numpy(material.cache.load_frames(path)).float()
    torch.testing.assert_close(frames, levels.frame[0, :: GRID_FRAMES // 2], rtol=1e-2, atol=1e-2)
    pooled, embedding = material.cache.load_utterance(path)
    torch.testing.assert_close(torch.from_numpy(pooled), levels.pooled[0], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(torch.from_numpy(embedding), levels.embedding[0], rtol=1e-3, atol=1e-3)


def test_prototypes_are_unit_length_means_of_speakers(material: Material) -> None:
    own = material.embeddings[material.classes == 2].mean(dim=0)
    torch.testing.assert_close(material.prototypes[2], own / own.norm(), rtol=0, atol=1e-5)


def test_an_interrupted_run_ends_where_an_unbroken_one_does(
    config: DistillConfig, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = Trainer(config.model_copy(update={"output": config.output / "unbroken"}), material).train()
    broken = config.model_copy(update={"output": config.output / "broken"})
    original = Trainer._train_step  # noqa: SLF001 - the cut must fall between two steps

    def cut_short(self: Trainer, batch: object) -> dict[str, float]:
        if self.step == 3:
            raise _StopError
        return original(self, batch)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", cut_short)
        with pytest.raises(_StopError):
            Trainer(broken, material).train()
    resumed = Trainer(broken, material).train()
    for name, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    steps = [line["step"] for line in _log(broken) if line.keys() >= LOSSES]
    assert steps == [0, 1, 2, 2, 3]


@pytest.mark.parametrize("level", ["relational", "prototypes", "pooled", "frame"])
def test_a_level_without_weight_is_left_out(config: DistillConfig, material: Material, level: str) -> None:
    loss = config.loss.model_copy(update={level: 0.0})
    run = config.model_copy(update={"output": config.output / level, "loss": loss, "steps": 1})
    Trainer(run, material).train()
    assert LOSSES - _log(run)[0].keys() == {level}


def test_a_run_without_a_teacher_learns_from_labels_alone(config: DistillConfig, material: Material) -> None:
    alone = config.loss.model_copy(update=dict.fromkeys(LOSSES, 0.0) | {"labels": 1.0})
    run = config.model_copy(update={"output": config.output / "labels", "loss": alone, "steps": 2})
    trainer = Trainer(run, material)
    before = [parameter.detach().clone() for parameter in trainer.objective.parameters()]
    trainer.train()
    assert _log(run)[0].keys() - {"step", "seconds"} == {"labels"}
    assert all(not torch.equal(old, new) for old, new in zip(before, trainer.objective.parameters(), strict=True))


def test_a_teacher_is_trained_as_a_student_is(config: DistillConfig, material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.teachers.dtdnn.BLOCKS", ((2, 1), (2, 3)))
    loss = config.loss.model_copy(update={"labels": 1.0, "frame": 0.0, "pooled": 0.0})
    run = config.model_copy(update={"output": config.output / "teacher", "loss": loss, "steps": 1, "student": "dtdnn"})
    Trainer(run, material).train()
    assert _log(run)[0].keys() >= {"embedding", "relational", "prototypes", "labels"}


def test_a_run_can_start_from_the_weights_of_another(config: DistillConfig, material: Material) -> None:
    first = config.model_copy(update={"output": config.output / "first", "steps": 1})
    weights = Trainer(first, material).train().state_dict()
    second = Trainer(config.model_copy(update={"output": config.output / "second", "start": first.output / "checkpoint.pt"}), material)
    taken = {name: value for name, value in second.student.state_dict().items() if not name.startswith("compensation.")}
    for name, value in taken.items():
        assert torch.equal(weights[name], value), name
    assert isinstance(second.student, Student)
    torch.testing.assert_close(second.student.compensation.matrix, torch.eye(second.student.embedding_size))


def test_a_checkpoint_tells_what_audio_it_learned_from(config: DistillConfig, material: Material) -> None:
    run = config.model_copy(update={"output": config.output / "hash", "steps": 1})
    Trainer(run, material).train()
    stored = torch.load(run.output / "checkpoint.pt", weights_only=True)
    contents = "".join(hashlib.sha256(recording.path.read_bytes()).hexdigest() for recording in material.recordings)
    assert stored["data_sha256"] == hashlib.sha256(contents.encode()).hexdigest()


def test_the_rate_warms_up_stays_and_falls_to_zero(config: DistillConfig) -> None:
    run = config.model_copy(update={"steps": 100, "warmup": 10, "decay": 0.5})
    rates = [rate(step, run) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert set(rates[10:50]) == {1.0}
    assert rates[75] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.02)


def _log(config: DistillConfig) -> list[dict[str, float]]:
    return [json.loads(line) for line in (config.output / "log.jsonl").read_text().splitlines()]


def test_frozen_layers_stay_as_they_are(config: DistillConfig, material: Material) -> None:
    trainer = Trainer(config.model_copy(update={"steps": 2, "frozen": ("stem",)}), material)
    before = {name: parameter.clone() for name, parameter in trainer.student.named_parameters()}
    after = dict(trainer.train().named_parameters())
    changed = {name.split(".")[0] for name, parameter in before.items() if not torch.equal(parameter, after[name])}
    assert changed == {name.split(".")[0] for name in before} - {"stem"}


def test_a_run_does_not_go_on_by_another_recipe(config: DistillConfig, material: Material) -> None:
    run = config.model_copy(update={"output": config.output / "seeds", "steps": 1})
    Trainer(run, material).train()
    with pytest.raises(RecipeError, match=r"checkpoint\.pt was trained with other values of seed: give the run another output"):
        Trainer(run.model_copy(update={"seed": 5}), material).train()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frozen": ("nose",)}, "frozen: there is no layer 'nose'; there are centre, stem, blocks"),
        ({"start": Path("nowhere.pt")}, "start: nowhere.pt holds no weights of this network"),
        ({"start": Path(__file__)}, "holds no weights of this network"),
        ({"crop_seconds": (0.6, 30.0), "batch_seconds": 60.0}, r"crop_seconds goes up to 30, but the longest recording has 1\.5 s"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_before_the_first_step(
    changes: dict[str, object], message: str, config: DistillConfig, material: Material
) -> None:
    run = config.model_copy(update={"output": config.output / "unfit", **changes})
    with pytest.raises(RecipeError, match=message):
        Trainer(run, material).train()
    assert not (run.output / "log.jsonl").exists() or not _log(run)


def test_too_little_to_measure_on_is_told_before_the_first_step(config: DistillConfig, material: Material, tmp_path: Path) -> None:
    (tmp_path / "dev.tsv").write_text("path\tspeaker\tcorpus\na.wav\ta\tb\n")
    run = config.model_copy(update={"output": tmp_path / "run", "data": tmp_path})
    with pytest.raises(TooFewTrialsError):
        Trainer(run, material).train()
    assert not (run.output / "checkpoint.pt").exists()
