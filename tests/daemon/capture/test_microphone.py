from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from daemon.capture.microphone import Microphone
from daemon.capture.records import Lost, Record, Stalled
from daemon.config import CaptureConfig
from daemon.watch.capture_events import CaptureChange, CaptureCounters, CaptureState
from models.features import Waveform
from tests.daemon.capture.scripted import GONE, OPENED, Scripted, sound

CONFIG = CaptureConfig(retry_seconds=0.1, max_retry_seconds=0.1, give_up_seconds=None, gain_db=20.0)


class Heard:
    """Notes everything in order: samples, "cut", and changes with the state that they lead to."""

    def __init__(self) -> None:
        self.counters = CaptureCounters()
        self.notes: list[object] = []
        self.problem = ""
        self._more = asyncio.Event()

    async def start(self, state: CaptureState = CaptureState.LISTENING, problem: str = "") -> None:
        self.counters = CaptureCounters()
        self.problem = problem
        self._note(("STARTED", state.name))

    async def hear(self, samples: Waveform) -> None:
        self._note([round(float(sample), 3) for sample in samples])

    async def cut(self) -> None:
        self._note("cut")

    async def report(self, change: CaptureChange, state: CaptureState | None = None, problem: str = "") -> None:
        self.problem = problem
        self._note((change.name, state and state.name))

    async def until(self, count: int) -> None:
        """Wait for so many notes."""
        while len(self.notes) < count:
            self._more.clear()
            await self._more.wait()

    def _note(self, note: object) -> None:
        self.notes.append(note)
        self._more.set()


class Slow(Heard):
    """Takes its time."""

    async def hear(self, samples: Waveform) -> None:
        await asyncio.sleep(0.05)
        await super().hear(samples)


Listen = Callable[..., tuple[Heard, "asyncio.Task[str]"]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    tasks = []

    def begin(source: Scripted, heard: Heard | None = None, config: CaptureConfig = CONFIG) -> tuple[Heard, asyncio.Task[str]]:
        heard = heard or Heard()
        tasks.append(asyncio.create_task(Microphone(config, heard, source).listen()))
        return heard, tasks[-1]

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_device_is_heard_with_its_gain(listen: Listen) -> None:
    heard, _ = listen(Scripted([OPENED, sound(0.01, 0.02), sound(0.03)]))
    await heard.until(3)
    assert heard.notes == [("STARTED", "LISTENING"), [0.1, 0.2], [0.3]]
    assert heard.counters == CaptureCounters()


async def test_clipped_samples_are_counted_as_the_device_delivers_them(listen: Listen) -> None:
    heard, _ = listen(Scripted([OPENED, sound(1.0, -1.0, 0.5, 0.98, -0.98)]))
    await heard.until(2)
    assert heard.counters.clipped_samples == 4


async def test_lost_audio_is_told(listen: Listen) -> None:
    heard, _ = listen(Scripted([OPENED, sound(0.01), Lost(), sound(0.02)]))
    await heard.until(5)
    assert heard.notes == [("STARTED", "LISTENING"), [0.1], "cut", ("OVERRUN", None), [0.2]]
    assert heard.counters == CaptureCounters(overruns=1)


@pytest.mark.parametrize(
    ("end", "change", "stalls", "problem"), [(GONE, "LOST", 0, "it is gone"), (Stalled(), "STALLED", 1, "the device delivers nothing")]
)
async def test_a_device_is_opened_again(listen: Listen, end: Record, change: str, stalls: int, problem: str) -> None:
    source = Scripted([OPENED, sound(0.01), end], [GONE], [OPENED, sound(0.02)])
    heard, _ = listen(source)
    await heard.until(4)
    assert heard.problem == problem
    await heard.until(6)
    assert heard.notes == [("STARTED", "LISTENING"), [0.1], "cut", (change, "WAITING"), ("RECOVERED", "LISTENING"), [0.2]]
    assert heard.counters == CaptureCounters(stalls=stalls, reopened=1)
    assert (heard.problem, source.running) == ("", 1)


async def test_a_device_that_is_not_there_at_the_start_is_waited_for(listen: Listen) -> None:
    heard, _ = listen(Scripted([GONE], [OPENED, sound(0.01)]))
    await heard.until(1)
    assert heard.problem == "it is gone"
    await heard.until(3)
    assert heard.notes == [("STARTED", "WAITING"), ("RECOVERED", "LISTENING"), [0.1]]
    assert heard.counters == CaptureCounters(reopened=1)


async def test_a_device_that_does_not_come_back_is_given_up(listen: Listen) -> None:
    source = Scripted([OPENED, GONE])
    heard, task = listen(source, config=CONFIG.model_copy(update={"give_up_seconds": 0.25}))
    assert await task == "it is gone"
    assert heard.notes == [("STARTED", "LISTENING"), "cut", ("LOST", "WAITING")]
    assert source.running == 0


async def test_cancelling_closes_the_device(listen: Listen) -> None:
    source = Scripted([OPENED, sound(0.01)])
    heard, task = listen(source)
    await heard.until(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.running == 0


async def test_who_hears_slowly_is_waited_for(listen: Listen) -> None:
    heard, _ = listen(Scripted([OPENED, sound(0.01), sound(0.02), sound(0.03)]), Slow())
    await heard.until(4)
    assert heard.notes == [("STARTED", "LISTENING"), [0.1], [0.2], [0.3]]
    assert heard.counters == CaptureCounters()
