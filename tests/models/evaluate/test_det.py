from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from models.evaluate.det import HIGHEST, LOWEST, deviates, save_plot
from models.evaluate.metrics import error_rates
from tests.models.evaluate.recordings import normal_scores


def test_deviates_by_hand() -> None:
    rates = np.array([0.5, NormalDist().cdf(-1.0), NormalDist().cdf(-2.0)])
    assert deviates(rates) == pytest.approx(np.array([0.0, -1.0, -2.0]))


def test_rates_without_a_finite_deviate_lie_outside_the_axes() -> None:
    low, high = deviates(np.array([0.0, 1.0]))
    assert np.isfinite([low, high]).all()
    assert low < deviates(np.array([LOWEST]))[0]
    assert high > deviates(np.array([HIGHEST]))[0]


def test_normal_scores_make_a_straight_line() -> None:
    rates = error_rates(normal_scores(2.0), normal_scores(0.0))
    inside = (rates.false_accept > 0.001) & (rates.miss > 0.001) & (rates.false_accept < 0.5) & (rates.miss < 0.5)
    # Deviates of misses and of false accepts add up to minus the distance of the means.
    total = deviates(rates.false_accept[inside]) + deviates(rates.miss[inside])
    assert total == pytest.approx(np.full(len(total), -2.0), abs=0.02)


def test_a_picture_of_several_embeddings(tmp_path: Path) -> None:
    path = tmp_path / "det.png"
    curves = {str(distance): error_rates(normal_scores(distance, count=500), normal_scores(0.0, count=500)) for distance in (1.0, 2.0)}
    save_plot(curves, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    one = tmp_path / "one.png"
    save_plot({"1.0": curves["1.0"]}, one)
    assert one.read_bytes() != path.read_bytes()
