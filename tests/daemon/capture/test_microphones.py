from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from daemon.capture import microphones as module
from daemon.capture.devices import Device
from daemon.capture.microphones import Microphones, find_devices
from daemon.capture.records import Audio, Record
from daemon.config import CaptureConfig, Config
from daemon.engine import Engine
from daemon.errors import CaptureExistsError, CaptureNotFoundError, CaptureUnavailableError
from daemon.events import AttemptDecided
from daemon.roster import Roster
from daemon.watch.capture_events import CaptureChange, CaptureChanged, CaptureState
from daemon.watch.captures import Captures
from daemon.watch.hub import Hub
from daemon.watch.subscriber import Subscriber, Wanted
from daemon.watch.watching import Capture, WatchParts
from models.encoder import State, Step
from models.features import Frames
from tests import audio
from tests.daemon.capture.scripted import GONE, OPENED, Scripted
from tests.daemon.server.harness import open_store
from tests.fakes import PLAIN_VAD, FakeEncoder, fake_calibration

DOOR = CaptureConfig(device="USB", retry_seconds=0.1, max_retry_seconds=0.1, give_up_seconds=None)
FRAGILE = DOOR.model_copy(update={"give_up_seconds": 0.25})
SPEECH = Audio(audio.voice(0, 1.0))
Make = Callable[..., Microphones]


class BrokenEncoder(FakeEncoder):
    """Fails at each step."""

    def step(self, frames: Frames, state: State) -> Step:  # noqa: ARG002
        raise RuntimeError("no memory")


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
async def parts(encoder: FakeEncoder, tmp_path: Path) -> AsyncIterator[WatchParts]:
    config = Config.model_validate({"storage": {"directory": tmp_path / "data"}, "vad": PLAIN_VAD})
    with closing(open_store(config)) as store, closing(Engine(encoder, 4)) as engine:
        yield WatchParts(config, engine, fake_calibration(), Roster(store, encoder.model_id), Hub(config.subscriptions))


@pytest.fixture
def captures() -> Captures:
    return Captures()


@pytest.fixture
async def make(parts: WatchParts, captures: Captures) -> AsyncIterator[Make]:
    made = []

    def new(source: Scripted, **configs: CaptureConfig) -> Microphones:
        made.append(Microphones(configs or {"door": DOOR}, parts, captures, source))
        return made[-1]

    yield new
    for microphones in made:
        await microphones.close()


@pytest.fixture
async def subscriber(parts: WatchParts) -> AsyncIterator[Subscriber]:
    with parts.hub.subscribed(Wanted(decisions_only=True)) as subscriber:
        yield subscriber


async def changes(subscriber: Subscriber, until: CaptureChange) -> list[str]:
    """Return what changes and is decided, until a change."""
    told = []
    while True:
        event = (await subscriber.next()).event
        if isinstance(event, CaptureChanged):
            told.append(f"{event.change.name} {event.status.state.name}")
            if event.change is until:
                return told
        elif isinstance(event, AttemptDecided):
            told.append(event.decision.outcome.name)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


async def test_a_microphone_is_started_and_stopped(make: Make, captures: Captures, subscriber: Subscriber) -> None:
    source = Scripted([OPENED, SPEECH], [OPENED])
    microphones = make(source)
    assert [(status.name, status.device, status.state) for status in captures.list()] == [("door", "USB", CaptureState.STOPPED)]
    assert (await microphones.start("door")).state is CaptureState.LISTENING
    assert (await microphones.start("door")).state is CaptureState.LISTENING
    assert source.running == 1
    await until(lambda: captures.list()[0].captured > 0)
    assert (await microphones.stop("door")).state is CaptureState.STOPPED
    assert (await microphones.stop("door")).state is CaptureState.STOPPED
    assert source.running == 0
    assert await changes(subscriber, CaptureChange.STOPPED) == ["STARTED LISTENING", "UNDECIDED", "STOPPED STOPPED"]
    assert (await microphones.start("door")).captured == 0


async def test_an_attempt_does_not_go_on_across_a_gap(make: Make, subscriber: Subscriber) -> None:
    microphones = make(Scripted([OPENED, SPEECH, GONE], [OPENED, SPEECH]))
    await microphones.start("door")
    told = await changes(subscriber, CaptureChange.RECOVERED)
    assert told == ["STARTED LISTENING", "UNDECIDED", "LOST WAITING", "RECOVERED LISTENING"]


async def test_a_device_that_is_given_up_is_started_by_hand(make: Make, captures: Captures, subscriber: Subscriber) -> None:
    source = Scripted()
    microphones = make(source, door=FRAGILE)
    status = await microphones.start("door")
    assert (status.state, status.problem) == (CaptureState.WAITING, "it is gone")
    assert await changes(subscriber, CaptureChange.FAILED) == ["STARTED WAITING", "FAILED FAILED"]
    assert captures.list()[0].problem == "it is gone; start the capture again when it is back"
    source.scripts.append([OPENED])
    status = await microphones.start("door")
    assert (status.state, status.problem) == (CaptureState.LISTENING, "")


async def test_those_that_are_not_to_start_by_themselves_do_not(make: Make, captures: Captures, subscriber: Subscriber) -> None:
    source = Scripted([OPENED])
    make(source, door=DOOR, hall=DOOR.model_copy(update={"autostart": False})).autostart()
    assert await changes(subscriber, CaptureChange.STARTED) == ["STARTED LISTENING"]
    assert {status.name: status.state.name for status in captures.list()} == {"door": "LISTENING", "hall": "STOPPED"}


async def test_one_that_hangs_while_it_is_opened_can_be_stopped(make: Make, subscriber: Subscriber) -> None:
    hanging: list[Record] = []
    microphones = make(Scripted(hanging, [OPENED]))
    starting = asyncio.create_task(microphones.start("door"))
    await asyncio.sleep(0.05)
    assert (await microphones.stop("door")).state is CaptureState.STOPPED
    await starting
    await microphones.start("door")
    assert await changes(subscriber, CaptureChange.STARTED) == ["STARTED LISTENING"]


@pytest.mark.parametrize("encoder", [BrokenEncoder()])
async def test_a_daemon_that_cannot_hear_says_so_and_can_be_told_to_try_again(
    make: Make, captures: Captures, subscriber: Subscriber
) -> None:
    microphones = make(Scripted([OPENED, SPEECH], [OPENED]))
    await microphones.start("door")
    assert await changes(subscriber, CaptureChange.FAILED) == ["STARTED LISTENING", "FAILED FAILED"]
    assert captures.list()[0].problem == "the daemon failed to hear it: its log tells why"
    assert (await microphones.start("door")).state is CaptureState.LISTENING


@pytest.mark.parametrize("call", [Microphones.start, Microphones.stop])
async def test_only_what_is_configured_can_be_started_and_stopped(
    make: Make, captures: Captures, parts: WatchParts, call: Callable[[Microphones, str], object]
) -> None:
    microphones = make(Scripted())
    captures.add(Capture("feed", parts))
    for name in ("feed", "cellar"):
        with pytest.raises(CaptureNotFoundError, match=f"no microphone is configured as '{name}'; there are: door"):
            await call(microphones, name)  # type: ignore[misc]


async def test_a_name_is_not_given_twice(make: Make) -> None:
    make(Scripted())
    with pytest.raises(CaptureExistsError):
        make(Scripted())


async def test_the_devices_that_would_be_listened_to_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def devices() -> tuple[Device, ...]:
        return (Device(3, "USB Audio", 2, 44_100, default=False),)

    monkeypatch.setattr(module, "list_devices", devices)
    found = await find_devices({"door": DOOR, "hall": CaptureConfig()})
    assert found == {"door": "USB Audio", "hall": "the system has no default input device: name one of 3 'USB Audio'"}


async def test_what_the_machine_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing() -> None:
        raise CaptureUnavailableError("microphones need sounddevice: install it")

    monkeypatch.setattr(module, "list_devices", missing)
    with pytest.raises(CaptureUnavailableError, match="captures are configured, but microphones need sounddevice"):
        await find_devices({"door": DOOR})


async def test_without_captures_nothing_is_asked_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "list_devices")
    assert await find_devices({}) == {}
