from __future__ import annotations

from daemon.capture.patience import STEADY_SECONDS, Patience
from daemon.config import CaptureConfig

CONFIG = CaptureConfig(retry_seconds=1.0, max_retry_seconds=6.0, give_up_seconds=20.0)


def test_it_waits_longer_each_time_and_then_gives_up() -> None:
    patience, now = Patience(CONFIG, 100.0), 100.0
    waits = []
    while (seconds := patience.wait(now)) is not None:
        waits.append(seconds)
        now += seconds
    assert waits == [1.0, 2.0, 4.0, 6.0, 6.0, 1.0]
    assert now == 120.0


def test_it_never_gives_up_if_it_is_not_to() -> None:
    patience = Patience(CONFIG.model_copy(update={"give_up_seconds": None}), 0.0)
    assert [patience.wait(1_000.0 * count) for count in range(6)] == [1.0, 2.0, 4.0, 6.0, 6.0, 6.0]


def test_a_device_that_is_back_is_lost_anew() -> None:
    patience = Patience(CONFIG, 0.0)
    assert [patience.wait(10.0), patience.wait(10.0)] == [1.0, 2.0]
    patience.opened(12.0)
    assert [patience.wait(500.0), patience.wait(519.0), patience.wait(520.0)] == [1.0, 1.0, None]


def test_a_device_that_comes_and_goes_is_not_back() -> None:
    patience, now, waits = Patience(CONFIG, 0.0), 0.0, []
    while (seconds := patience.wait(now)) is not None:
        waits.append(seconds)
        patience.opened(now + seconds)
        now += seconds + STEADY_SECONDS / 2
    assert waits == [1.0, 2.0, 4.0, 5.5]
