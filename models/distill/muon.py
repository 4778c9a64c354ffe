"""Muon: momentum whose every step has all its singular values near one.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). torch has one too, but it orthogonalises in bfloat16,
which processors without instructions for it emulate: on two such cores that took as long as the forward and backward pass together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor

COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial that drives singular values towards one, as its authors chose them."""
ITERATIONS: Final = 5


class Muon(torch.optim.Optimizer):
    """For matrices alone; of more than two dimensions, those after the first count as one.

    A step moves each by `lr`, times the square root of its rows over its columns if it is taller than wide.
    """

    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - as inherited; nothing is evaluated again
        """Apply the gradients."""
        for group in self.param_groups:
            alike = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[matrix.flatten(1).shape].append(matrix)
            for (rows, columns), matrices in alike.items():
                directions = orthogonalised(torch.stack([self._momentum(matrix, group["momentum"]).flatten(1) for matrix in matrices]))
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                for matrix, direction in zip(matrices, directions, strict=True):
                    matrix.mul_(1.0 - group["lr"] * group["weight_decay"]).sub_(direction.view_as(matrix), alpha=rate)

    def _momentum(self, matrix: Tensor, momentum: float) -> Tensor:
        """Return the Nesterov momentum of a matrix's gradient."""
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        assert matrix.grad is not None  # noqa: S101 - the caller chose those that have one
        average: Tensor = state["momentum"].lerp_(matrix.grad, 1.0 - momentum)
        return matrix.grad.lerp(average, momentum)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return `matrices`, (batch, rows, columns), with their singular values brought near one (Newton-Schulz iteration)."""
    if matrices.shape[-2] > matrices.shape[-1]:
        upright: Tensor = orthogonalised(matrices.mT).mT
        return upright
    first, third, fifth = COEFFICIENTS
    x: Tensor = matrices / matrices.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = first * x + (third * square + fifth * square @ square) @ x
    return x
