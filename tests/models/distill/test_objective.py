from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from models.distill.augment import Augmenter
from models.distill.batches import Batch, Batches
from models.distill.config import DistillConfig
from models.distill.losses import TERMS, LossConfig
from models.distill.material import Material, load_material
from models.distill.objective import UTTERANCE_LEVELS, Objective
from models.student import EDGE, Student, new_student
from models.teachers import untrained_teacher


@pytest.fixture(scope="module")
def material(config: DistillConfig) -> Material:
    return load_material(config)


@pytest.fixture(scope="module")
def batch(config: DistillConfig, material: Material) -> Batch:
    return Batches(config, material, Augmenter(config.augment, material.noise, material.audio)).make(0)


def _only(**weights: float) -> LossConfig:
    return LossConfig(**(dict.fromkeys(TERMS, 0.0) | weights))  # type: ignore[arg-type]


def _student() -> Student:
    torch.manual_seed(0)
    return new_student(EDGE).train()


@pytest.mark.parametrize("term", TERMS)
def test_each_term_alone_trains_the_student(term: str, material: Material, batch: Batch) -> None:
    student = _student()
    objective = Objective(_only(**{term: 1.0}), student, material)
    losses = objective(student, batch)
    assert losses.keys() == {term}
    losses[term].backward()
    first = student.get_parameter("stem.halve.conv.weight").grad
    assert first is not None
    assert first.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in objective.parameters())


def test_a_weight_multiplies_its_term(material: Material, batch: Batch) -> None:
    student = _student()
    once, thrice = (Objective(_only(relational=weight), student, material)(student, batch)["relational"] for weight in (1.0, 3.0))
    torch.testing.assert_close(3.0 * once, thrice)


@pytest.mark.parametrize("level", UTTERANCE_LEVELS)
def test_a_head_that_tells_the_level_of_the_utterance_loses_nothing(level: str, material: Material, batch: Batch) -> None:
    student = _student()
    objective = Objective(_only(**{level: 1.0}), student, material)
    one = batch._replace(frames=batch.frames[:1].repeat(2, 1, 1), indices=batch.indices[:1].repeat(2))
    head = objective.heads[level]
    frames = torch.from_numpy(material.cache.load_frames(material.recordings[int(one.indices[0])].path)).float().mean(dim=0)
    wanted = {
        "utterance_frame": material.frame_standard(frames),
        "utterance_pooled": material.pooled_standard(material.pooled[one.indices[0]]),
    }
    parts = (*wanted.values(), material.embeddings[one.indices[0]])
    wanted["concatenated"] = torch.cat([F.normalize(part, dim=0) for part in parts])
    assert isinstance(head, torch.nn.Linear)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(wanted[level])
    assert objective(student, one)[level].item() == pytest.approx(0.0, abs=1e-4)


def test_another_size_of_embedding_is_matched_through_a_head(material: Material, batch: Batch) -> None:
    network = untrained_teacher("dtdnn").train()
    losses = Objective(_only(embedding=1.0, prototypes=1.0, frame=1.0), network, material)(network, batch)
    assert losses.keys() == {"embedding", "prototypes", "frame"}
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_unknown_speakers_are_not_learned(material: Material, batch: Batch) -> None:
    student = _student()
    nobody = replace(material, labelled=torch.zeros_like(material.labelled))
    objective = Objective(_only(labels=1.0), student, nobody)
    loss = objective(student, batch)["labels"]
    loss.backward()
    assert loss.item() == 0.0
    # Workers average as many gradients, whoever hears nobody known.
    assert all(parameter.grad is not None for parameter in objective.parameters())
    objective = Objective(_only(labels=1.0), student, material)
    assert objective(student, batch)["labels"].item() > 0.0


def test_a_network_on_another_device_is_measured_there(material: Material) -> None:
    with torch.device("meta"):
        elsewhere = new_student(EDGE)
    sizes = Objective(_only(frame=1.0, pooled=1.0), _student(), material).state_dict()
    for name, weights in Objective(_only(frame=1.0, pooled=1.0), elsewhere, material).state_dict().items():
        assert weights.shape == sizes[name].shape, name


def test_squares_weigh_large_distances_more(material: Material, batch: Batch) -> None:
    student = _student()
    squared, smooth = (
        Objective(_only(pooled=1.0).model_copy(update={"distance": distance}), student, material) for distance in ("mse", "smooth_l1")
    )
    squared.load_state_dict(smooth.state_dict())
    assert squared(student, batch)["pooled"] > 2.0 * smooth(student, batch)["pooled"]
