from __future__ import annotations

import copy

import pytest
import torch

from models.distill.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(3, 20, 60), (2, 60, 20), (1, 32, 32)])
def test_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    direction = orthogonalised(matrices)
    assert direction.shape == shape
    # The slowest ones of a square matrix stay small: five iterations are not many.
    values = torch.linalg.svdvals(direction)
    assert values.max() < 1.3
    assert values.median() > 0.6


def test_the_singular_vectors_stay() -> None:
    matrix = torch.diag(torch.tensor([3.0, 2.0, 1.0]))[None]
    direction = orthogonalised(matrix)[0]
    assert (direction - torch.diag(direction.diagonal())).abs().max() < 1e-5


def test_it_finds_a_matrix() -> None:
    random = torch.Generator().manual_seed(1)
    wanted, inputs = torch.randn(8, 12, generator=random), torch.randn(256, 12, generator=random)
    matrix = torch.zeros(8, 12, requires_grad=True)
    muon = Muon([matrix], lr=0.05, weight_decay=0.0)
    losses = []
    for step in range(300):
        muon.param_groups[0]["lr"] = 0.05 * (1 - step / 300)
        loss = (inputs @ (matrix - wanted).T).square().mean()
        muon.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        muon.step()
        losses.append(loss.item())
    assert losses[-1] < 0.01 * losses[0]


def test_weight_decay_shrinks_and_a_missing_gradient_leaves_alone() -> None:
    decayed, untouched = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2, requires_grad=True)
    muon = Muon([decayed, untouched], lr=0.1, weight_decay=0.5)
    decayed.grad = torch.zeros(2, 2)
    muon.step()
    torch.testing.assert_close(decayed.detach(), torch.full((2, 2), 0.95))
    assert torch.equal(untouched.detach(), torch.ones(2, 2))


def test_its_state_can_be_stored_and_loaded() -> None:
    torch.manual_seed(2)
    matrix = torch.randn(4, 6, requires_grad=True)
    matrix.grad = torch.randn(4, 6)
    muon = Muon([matrix], lr=0.1, weight_decay=0.0)
    muon.step()
    twin = matrix.detach().clone().requires_grad_()
    twin.grad = matrix.grad.clone()
    other = Muon([twin], lr=0.1, weight_decay=0.0)
    other.load_state_dict(copy.deepcopy(muon.state_dict()))
    muon.step()
    other.step()
    assert torch.equal(matrix, twin)


def test_a_convolution_is_a_matrix_over_its_taps() -> None:
    torch.manual_seed(3)
    gradient = torch.randn(4, 2, 3)
    convolution, matrix = torch.zeros(4, 2, 3, requires_grad=True), torch.zeros(4, 6, requires_grad=True)
    convolution.grad, matrix.grad = gradient, gradient.flatten(1)
    Muon([convolution, matrix], lr=0.1, weight_decay=0.0).step()
    torch.testing.assert_close(convolution.detach().flatten(1), matrix.detach())
