from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from models.distill.losses import LossConfig, Standard, cosine_loss, prototype_loss, relational_loss


def test_cosine_loss_is_zero_for_the_same_direction_and_two_for_the_opposite() -> None:
    teacher = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    assert cosine_loss(3.0 * teacher, teacher).item() == pytest.approx(0.0, abs=1e-6)
    assert cosine_loss(-teacher, teacher).item() == pytest.approx(2.0, abs=1e-6)


def test_relational_loss_compares_the_cosines_of_a_batch() -> None:
    teacher = torch.eye(4)[:2]
    turned = torch.eye(4)[2:] * 5.0
    assert relational_loss(turned, teacher).item() == pytest.approx(0.0, abs=1e-6)
    same = torch.ones(2, 4)
    # Two of four cosines are 1 instead of 0, times a batch of 2.
    assert relational_loss(same, teacher).item() == pytest.approx(1.0, abs=1e-6)


def test_prototype_loss_is_the_margin_softmax() -> None:
    config = LossConfig(scale=10.0, margin=0.2)
    prototypes = torch.eye(3)
    student = torch.tensor([[0.6, 0.8, 0.0]])
    logits = [10.0 * 0.6, 10.0 * math.cos(math.acos(0.8) + 0.2), 0.0]
    expected = math.log(sum(map(math.exp, logits))) - logits[1]
    assert prototype_loss(student, prototypes, torch.tensor([1]), config).item() == pytest.approx(expected, abs=1e-4)


def test_prototype_loss_pulls_towards_the_own_prototype() -> None:
    config = LossConfig()
    prototypes = F.normalize(torch.randn(20, 8, generator=torch.Generator().manual_seed(1)))
    classes = torch.arange(20)
    right = prototype_loss(prototypes, prototypes, classes, config)
    wrong = prototype_loss(prototypes, prototypes, classes.roll(1), config)
    assert right < wrong


def test_prototype_loss_has_a_gradient_at_the_prototype() -> None:
    student = torch.eye(3, requires_grad=True)
    prototype_loss(student, torch.eye(3), torch.arange(3), LossConfig()).backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_a_standard_shifts_and_scales_what_it_measured() -> None:
    values = torch.randn(500, 3, generator=torch.Generator().manual_seed(2)) * torch.tensor([1.0, 5.0, 0.0]) + 7.0
    standardised = Standard.of(values)(values)
    torch.testing.assert_close(standardised.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(standardised.std(dim=0)[:2], torch.ones(2), rtol=0, atol=1e-4)
    assert torch.isfinite(standardised).all()
