from __future__ import annotations

import pytest

from clients.capture_messages import CaptureCounters
from tests.soak import Report, Usage, soak

MB = 2**20


def report(*memory: float, counters: CaptureCounters | None = None) -> Report:
    """Return what was measured at 0 s, 100 s, 200 s and so on."""
    usage = [(100.0 * number, Usage(0.0, round(each * MB))) for number, each in enumerate(memory)]
    return Report(usage={"daemon": usage}, counters=counters or CaptureCounters())


@pytest.mark.parametrize(
    ("measured", "passed"),
    [
        (report(90, 100, 100, 101, 100), True),
        (report(90, 100, 101, 102, 103), False),
        (report(90, 100, 97, 100, 100), False),
        (report(100, 100, 100, counters=CaptureCounters(clipped_samples=1)), True),
        (report(100, 100, 100, counters=CaptureCounters(overruns=1)), False),
        (report(100, 100, 100, counters=CaptureCounters(stalls=1)), False),
    ],
)
def test_it_fails_where_memory_grows_or_audio_is_lost(measured: Report, *, passed: bool) -> None:
    assert measured.passed() is passed


@pytest.mark.timeout(600)
def test_it_listens_and_measures() -> None:
    measured = soak(8.0)
    assert measured.captured > 8.0
    assert measured.decisions["ACCEPT 1-slt"] > 0
    assert set(measured.usage) == {"daemon", "recorder"}
    assert set(measured.loads) == {"speech", "silence"}
    assert all(len(samples) > 1 for samples in measured.usage.values())
    assert "MB at the end" in measured.lines()[0]
