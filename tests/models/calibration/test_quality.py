from __future__ import annotations

import numpy as np
import pytest

from models.calibration.quality import FEATURES, Quality, features

USUAL = {"speech": 2.0, "snr": 20.0, "bandwidth": 7000.0, "enrolled": 10.0, "recordings": 3}


def test_features_by_hand() -> None:
    assert features(Quality(1.0, 15.0, 3400.0, 1.0, 2)) == pytest.approx([1.0, 0.0, 0.5, 1.0, 0.0, 0.5])


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        pytest.param("speech", 60.0, 3600.0, id="an hour of speech"),
        pytest.param("speech", 0.0, 0.1, id="no speech"),
        pytest.param("snr", -20.0, -3.0, id="nothing but noise"),
        pytest.param("snr", 40.0, 90.0, id="no noise"),
        pytest.param("enrolled", 0.0, 0.5, id="hardly enrolled"),
        pytest.param("recordings", 0, 1, id="one recording"),
    ],
)
def test_what_lies_outside_of_what_is_known_counts_as_its_end(field: str, one: float, other: float) -> None:
    near, far = (features(Quality(**USUAL | {field: value})) for value in (one, other))
    assert near == pytest.approx(far)
    assert np.isfinite(far).all()


def test_fields_broadcast() -> None:
    rows = features(Quality(np.array([[1.0], [2.0]]), 20.0, np.array([[3000.0], [7000.0]]), np.array([5.0, 6.0, 7.0]), 3))
    assert rows.shape == (2, 3, FEATURES)
    assert rows[1, 2] == pytest.approx(features(Quality(2.0, 20.0, 7000.0, 7.0, 3)))
