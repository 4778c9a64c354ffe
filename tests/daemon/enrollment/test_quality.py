from __future__ import annotations

import pytest

from daemon.enrollment.agreement import Heard
from daemon.enrollment.quality import ADVICE, Verdict, assess
from daemon.enrollment.recording import Recording
from daemon.events import Evidence
from tests.calibrated import NEUTRAL, SLOPE, plain_calibration
from tests.daemon.people import evidence, heard, person

CALIBRATION = plain_calibration()


def recording(of: Evidence | None = None, person_: int = 0, take: int = 0, pieces: tuple[Heard, ...] = ()) -> Recording:
    return Recording(100_000, of or evidence(), person(person_, take), pieces)


@pytest.mark.parametrize(
    ("of", "verdict"),
    [
        (evidence(), Verdict.GOOD),
        (evidence(clipped=0.02), Verdict.CLIPPED),
        (evidence(clipped=0.02, snr=3.0, bandwidth=3_400.0), Verdict.CLIPPED),
        (evidence(snr=8.0), Verdict.NOISY),
        (evidence(snr=8.0, bandwidth=3_400.0), Verdict.NOISY),
        (evidence(bandwidth=3_400.0), Verdict.NARROW_BAND),
        (evidence(0.8), Verdict.SHORT),
    ],
)
def test_what_is_wrong_most_with_a_recording_is_told(of: Evidence, verdict: Verdict) -> None:
    [quality] = assess([recording(of)], CALIBRATION)
    assert (quality.verdict, quality.evidence, quality.advice) == (verdict, of, ADVICE[verdict])
    assert (quality.advice == "") is (verdict is Verdict.GOOD)


def test_every_recording_is_compared_with_the_others() -> None:
    first, second, odd = assess([recording(), recording(take=1), recording(person_=1)], CALIBRATION)
    assert first.agreement_llr is not None
    assert odd.agreement_llr is not None
    assert odd.agreement_score is not None
    assert odd.agreement_score < 0.1
    assert odd.agreement_llr == pytest.approx(SLOPE * (odd.agreement_score - NEUTRAL))
    assert [first.verdict, second.verdict, odd.verdict] == [Verdict.GOOD, Verdict.GOOD, Verdict.DOUBTFUL]


def test_a_single_recording_is_compared_with_itself() -> None:
    [steady] = assess([recording(pieces=(heard(0, 1), heard(0, 2)))], CALIBRATION)
    [changing] = assess([recording(pieces=(heard(0, 1), heard(1, 2)))], CALIBRATION)
    assert (steady.verdict, changing.verdict) == (Verdict.GOOD, Verdict.DOUBTFUL)
    assert steady.agreement_score is not None
    assert steady.agreement_score > 0.6


def test_there_may_be_nothing_to_compare() -> None:
    [quality] = assess([recording()], CALIBRATION)
    assert (quality.agreement_llr, quality.agreement_score, quality.verdict) == (None, None, Verdict.GOOD)
