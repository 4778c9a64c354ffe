from __future__ import annotations

import numpy as np
import pytest

from models.calibration.boundary import Boundaries, Mutual
from models.calibration.extremes import CHANCES, LIMIT, Extremes
from tests.calibrated import plain_calibration

PLAIN = plain_calibration().boundaries


def overlapping(lift: float) -> Boundaries:
    """Return the boundaries of attempts that go less far, the sooner the other side ends them; lift: of both distributions."""
    ends = np.array([-LIMIT, 0.0, 6.0, LIMIT])
    body = np.stack([share * -np.log(CHANCES) + lift for share in (0.5, 0.5, 0.9, 1.0)])
    table = Extremes(ends, body, np.array([0.5, 0.5, 0.9, 1.0]))
    return Boundaries(table, table, Mutual(1.0, 0.0, 1.0), 0.0)


@pytest.mark.parametrize("far", [0.1, 0.01, 1e-3, 1e-5])
def test_fewer_false_accepts_need_more(far: float) -> None:
    assert PLAIN.accept_at(far) == pytest.approx(-np.log(far))
    assert PLAIN.accept_at(far / 2) > PLAIN.accept_at(far)


@pytest.mark.parametrize("enrolled", [2, 10, 1000])
def test_the_rate_is_for_any_of_many_voices(enrolled: int) -> None:
    each = np.exp(-PLAIN.accept_at(0.01, enrolled))
    assert 1 - (1 - each) ** enrolled == pytest.approx(0.01)
    assert PLAIN.pair(0.01, 0.05, enrolled).accept == pytest.approx(PLAIN.accept_at(0.01, enrolled))


def test_what_the_other_boundary_ends_is_saved() -> None:
    bounds = overlapping(0.0)
    pair = bounds.pair(0.01, 0.05)
    assert pair.reject < pair.accept < bounds.accept_at(0.01)
    assert pair.reject > bounds.reject_at(0.05)
    # Both rates are kept, each with the other boundary where it is.
    assert bounds.impostor.chance(pair.accept, -pair.reject) == pytest.approx(0.01, rel=1e-3)
    assert bounds.owner.chance(-pair.reject, pair.accept) == pytest.approx(0.05, rel=1e-3)


def test_where_voices_are_far_apart_there_is_one_boundary_between() -> None:
    bounds = overlapping(-8.0)
    pair = bounds.pair(0.05, 0.05)
    assert pair.accept == pair.reject
    assert bounds.impostor.chance(pair.accept, -pair.reject) <= 0.05
    assert bounds.owner.chance(-pair.reject, pair.accept) <= 0.05


@pytest.mark.parametrize("enrolled", [1, 5])
@pytest.mark.parametrize("lift", [-8.0, -2.0, 0.0, 2.0])
@pytest.mark.parametrize(("far", "frr"), [(0.01, 0.05), (1e-4, 0.2), (0.3, 0.3)])
def test_accepting_never_takes_less_than_rejecting(lift: float, far: float, frr: float, enrolled: int) -> None:
    pair = overlapping(lift).pair(far, frr, enrolled)
    assert pair.accept >= pair.reject


def test_the_more_alike_two_voices_the_likelier_one_is_accepted_as_the_other() -> None:
    bounds = plain_calibration(slope=50.0, neutral=0.5).boundaries
    chances = [bounds.mutual_false_accept(cosine, 5.0) for cosine in (0.0, 0.4, 0.55, 0.6, 0.65, 0.9)]
    assert chances == sorted(chances)
    # An attempt of theirs comes to 50 * (0.6 - 0.5) in the mean.
    assert chances[3] == pytest.approx(0.5)
    assert chances[0] < 1e-6
    assert chances[-1] > 1 - 1e-6
