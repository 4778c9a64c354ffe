from __future__ import annotations

import numpy as np
import pytest

from models.calibration.extremes import CHANCES, LIMIT, TAIL, Extremes

HALVED = Extremes(np.array([0.0, LIMIT]), np.stack([-np.log(CHANCES), -2 * np.log(CHANCES)]), np.array([1.0, 2.0]))
"""Exponential: with mean 1 where what reaches 0 on the other side has ended, with mean 2 otherwise."""


@pytest.mark.parametrize("chance", [0.5, 0.1, 0.03, TAIL, 1e-3, 1e-6])
def test_levels_of_an_exponential_distribution(chance: float) -> None:
    assert HALVED.level(chance) == pytest.approx(-2 * np.log(chance))
    assert HALVED.level(chance, 0.0) == pytest.approx(-np.log(chance))
    assert HALVED.level(chance, -5.0) == pytest.approx(-np.log(chance))


@pytest.mark.parametrize("chance", [0.5, 0.1, TAIL, 1e-4])
@pytest.mark.parametrize("end", [0.0, 20.0, LIMIT])
def test_a_chance_is_that_of_its_level(chance: float, end: float) -> None:
    assert HALVED.chance(HALVED.level(chance, end), end) == pytest.approx(chance)


def test_the_other_boundary_may_be_anywhere() -> None:
    levels = [HALVED.level(0.05, end) for end in np.linspace(-10.0, LIMIT + 10.0, 50)]
    assert (np.diff(levels) >= 0).all()
