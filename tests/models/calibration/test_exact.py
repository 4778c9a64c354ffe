from __future__ import annotations

import pytest
from scipy.stats import beta

from models.calibration.exact import clopper_pearson, where


@pytest.mark.parametrize(("count", "total"), [(0, 20), (1, 20), (3, 1000), (17, 20), (20, 20), (9, 49_000)])
def test_the_exact_interval_is_that_of_the_beta_distribution(count: int, total: int) -> None:
    low = beta.ppf(0.025, count, total - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, total - count) if count < total else 1.0
    assert clopper_pearson(count, total) == pytest.approx((low, high), abs=1e-9)


def test_where_a_rising_function_passes_a_value() -> None:
    assert where(lambda x: x * x, 2.0, 4.0) == pytest.approx(2.0**0.5)
