from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc
import pytest

from daemon.capture.devices import Device
from daemon.capture.microphones import Microphones
from daemon.capture.records import Lost
from daemon.config import CaptureConfig, LimitsConfig
from daemon.errors import CaptureUnavailableError
from daemon.server import captures as service
from daemon.server import lifecycle
from models.features import Waveform
from proto.speakerd.v1 import captures_pb2, enrollment_pb2, status_pb2
from proto.speakerd.v1.captures_pb2_grpc import CapturesServiceStub
from tests import audio
from tests.daemon.capture.scripted import GONE, OPENED, Scripted
from tests.daemon.server.capturing import OpenFeed, decisions
from tests.daemon.server.harness import CONFIG, Daemon, know, linear16, refused, running

DOOR = CaptureConfig(device="USB", give_up_seconds=None)
PAUSE = audio.noise(1.5, level=-60.0)
SENTENCES = audio.join(PAUSE, audio.voice(0, 1.3), PAUSE, audio.voice(0, 1.3, take=1), PAUSE)
LATER = audio.join(audio.voice(0, 3.0, take=2), PAUSE)


@asynccontextmanager
async def fed(limits: LimitsConfig = CONFIG.limits) -> AsyncIterator[tuple[Daemon, OpenFeed]]:
    async with running(CONFIG.model_copy(update={"limits": limits})) as daemon:
        feed = await OpenFeed(daemon).opened()
        try:
            yield daemon, feed
        finally:
            feed.cancel()


def captures(daemon: Daemon) -> CapturesServiceStub:
    return CapturesServiceStub(daemon.channel)


def listed(daemon: Daemon) -> list[captures_pb2.Capture]:
    return list(captures(daemon).ListCaptures(captures_pb2.ListCapturesRequest()).captures)


def enroll_request(
    speaker: str = "ada", capture: str = "kitchen", mode: enrollment_pb2.EnrollMode.ValueType = enrollment_pb2.ENROLL_MODE_CREATE
) -> captures_pb2.EnrollFromCaptureRequest:
    return captures_pb2.EnrollFromCaptureRequest(capture=capture, speaker=speaker, mode=mode)


def enroll(daemon: Daemon, feed: OpenFeed, *spoken: Waveform) -> list[captures_pb2.EnrollFromCaptureResponse]:
    """Enroll ada; speak as soon as she is listened to."""
    responses = captures(daemon).EnrollFromCapture(enroll_request())
    first = next(responses)
    for samples in spoken:
        feed.send(linear16(samples))
    return [first, *responses]


async def until_enrolled_no_more(daemon: Daemon) -> None:
    """Wait until the daemon has noticed that nobody enrolls: the feed alone is open."""

    def wait() -> None:
        while daemon.status.GetStatus(status_pb2.GetStatusRequest()).active_streams > 1:
            time.sleep(0.005)

    await asyncio.to_thread(wait)


@pytest.fixture
async def microphones(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    source = Scripted()
    monkeypatch.setattr(lifecycle, "Microphones", partial(Microphones, source=source))

    async def devices() -> tuple[Device, ...]:
        return (Device(3, "USB", 2, 44_100, default=True),)

    monkeypatch.setattr("daemon.capture.microphones.list_devices", devices)
    monkeypatch.setattr(service, "list_devices", devices)
    return source


async def test_microphones_are_listed_started_and_stopped(microphones: Scripted) -> None:
    microphones.scripts += [[OPENED, Lost()]]
    config = CONFIG.model_copy(update={"captures": {"door": DOOR.model_copy(update={"autostart": False}), "attic": DOOR}})
    async with running(config) as daemon:
        assert [(capture.name, capture.device) for capture in await asyncio.to_thread(listed, daemon)] == [
            ("attic", "USB"),
            ("door", "USB"),
        ]
        stub = captures(daemon)
        started = await asyncio.to_thread(stub.StartCapture, captures_pb2.StartCaptureRequest(name="attic"))
        assert started.capture.state == captures_pb2.CAPTURE_STATE_LISTENING
        waiting = await asyncio.to_thread(stub.StartCapture, captures_pb2.StartCaptureRequest(name="door"))
        assert (waiting.capture.state, waiting.capture.problem) == (captures_pb2.CAPTURE_STATE_WAITING, GONE.problem)
        stopped = await asyncio.to_thread(stub.StopCapture, captures_pb2.StopCaptureRequest(name="attic"))
        assert stopped.capture.state == captures_pb2.CAPTURE_STATE_STOPPED
        assert stopped.capture.counters == captures_pb2.CaptureCounters(overruns=1)
        assert microphones.running == 0


async def test_a_daemon_that_stops_closes_its_microphones(microphones: Scripted) -> None:
    microphones.scripts += [[OPENED]]
    async with running(CONFIG.model_copy(update={"captures": {"door": DOOR}})) as daemon:
        await asyncio.to_thread(captures(daemon).StartCapture, captures_pb2.StartCaptureRequest(name="door"))
        assert microphones.running == 1
    assert microphones.running == 0


async def test_what_is_not_configured_is_not_started() -> None:
    async with fed() as (daemon, _):
        for name in ("door", "kitchen"):
            with refused() as refusal:
                await asyncio.to_thread(captures(daemon).StartCapture, captures_pb2.StartCaptureRequest(name=name))
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CAPTURE_NOT_FOUND")
            with refused() as refusal:
                await asyncio.to_thread(captures(daemon).StopCapture, captures_pb2.StopCaptureRequest(name=name))
            assert refusal.metadata == {"capture": name}


@pytest.mark.usefixtures("microphones")
async def test_devices_are_listed() -> None:
    async with running() as daemon:
        response = await asyncio.to_thread(captures(daemon).ListDevices, captures_pb2.ListDevicesRequest())
    assert list(response.devices) == [captures_pb2.Device(index=3, name="USB", channels=2, sample_rate_hertz=44_100, is_default=True)]


async def test_a_machine_that_cannot_capture_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing() -> None:
        raise CaptureUnavailableError("microphones need sounddevice: install speakerd with the extra `mic`")

    monkeypatch.setattr(service, "list_devices", missing)
    async with running() as daemon:
        with refused() as refusal:
            await asyncio.to_thread(captures(daemon).ListDevices, captures_pb2.ListDevicesRequest())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CAPTURE_UNAVAILABLE")
    assert "extra `mic`" in refusal.message


async def test_whoever_speaks_to_a_capture_is_enrolled() -> None:
    async with fed() as (daemon, feed):
        responses = await asyncio.to_thread(enroll, daemon, feed, SENTENCES)
        first, last, result = responses[0].progress, responses[-2].progress, responses[-1].result
        assert (first.recording, first.speech.ToSeconds(), first.speech_needed.ToSeconds()) == (1, 0, 2)
        assert (last.recording, last.speech_needed.ToNanoseconds()) == (2, 0)
        assert (result.speaker.name, result.speaker.recordings, len(result.recordings)) == ("ada", 2, 2)
        assert len(daemon.store.get("ada").templates) == 2

        feed.send(linear16(LATER))
        events = await feed.end()
    # No attempt was made of what enrolled her; from then on she is known.
    attempt = next(event.attempt_decided for event in events if event.HasField("attempt_decided"))
    assert (attempt.attempt, attempt.decision.speaker) == (1, "ada")


async def test_a_capture_that_ends_ends_the_enrollment() -> None:
    async with fed() as (daemon, feed):
        stub = captures(daemon)
        responses = stub.EnrollFromCapture(enroll_request())
        await asyncio.to_thread(next, responses)
        feed.send(linear16(audio.voice(0, 3.0)))
        await feed.end()
        *_, last = await asyncio.to_thread(list, responses)
        assert last.result.speaker.name == "ada"


async def test_too_little_speech_enrolls_nobody() -> None:
    async with fed() as (daemon, feed):
        responses = captures(daemon).EnrollFromCapture(enroll_request())
        await asyncio.to_thread(next, responses)
        feed.send(linear16(audio.voice(0, 1.0)))
        await feed.end()
        with refused() as refusal:
            await asyncio.to_thread(list, responses)
        assert refusal.reason == "NOT_ENOUGH_SPEECH"
        assert daemon.store.speakers() == ()


async def test_it_does_not_wait_for_ever_for_someone_to_speak() -> None:
    async with fed(LimitsConfig(idle_seconds=5.0)) as (daemon, feed):
        with refused() as refusal:
            await asyncio.to_thread(enroll, daemon, feed, audio.noise(6.0, level=-60.0))
        assert refusal.reason == "NOT_ENOUGH_SPEECH"


async def test_nor_for_a_capture_that_delivers_nothing(microphones: Scripted) -> None:
    microphones.scripts += [[OPENED]]
    config = CONFIG.model_copy(update={"captures": {"door": DOOR}, "limits": LimitsConfig(idle_seconds=0.5)})
    async with running(config) as daemon:
        await asyncio.to_thread(captures(daemon).StartCapture, captures_pb2.StartCaptureRequest(name="door"))
        with refused() as refusal:
            await asyncio.to_thread(lambda: list(captures(daemon).EnrollFromCapture(enroll_request(capture="door"))))
    assert (refusal.reason, refusal.message) == ("CAPTURE_STOPPED", "the capture 'door' delivered nothing for 0.5 s: its source is silent")


async def test_only_one_is_enrolled_from_a_capture_at_a_time() -> None:
    async with fed() as (daemon, _):
        responses = captures(daemon).EnrollFromCapture(enroll_request())
        await asyncio.to_thread(next, responses)
        with refused() as refusal:
            await asyncio.to_thread(lambda: list(captures(daemon).EnrollFromCapture(enroll_request("ben"))))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CAPTURE_BUSY")
        responses.cancel()


async def test_attempts_are_made_again_when_who_enrolls_goes_away() -> None:
    async with fed() as (daemon, feed):
        know(daemon.store, "ada", 0)
        responses = captures(daemon).EnrollFromCapture(enroll_request("ben"))
        await asyncio.to_thread(next, responses)
        responses.cancel()
        await until_enrolled_no_more(daemon)
        feed.send(linear16(LATER))
        events = await feed.end()
    assert decisions(events)[0].speaker == "ada"


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (enroll_request(capture="cellar"), grpc.StatusCode.NOT_FOUND, "CAPTURE_NOT_FOUND"),
        (enroll_request(capture=""), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME"),
        (enroll_request(speaker=""), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME"),
        (enroll_request(speaker="anna"), grpc.StatusCode.ALREADY_EXISTS, "SPEAKER_EXISTS"),
        (enroll_request(mode=enrollment_pb2.ENROLL_MODE_ADD), grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND"),
        (enroll_request(capture="door"), grpc.StatusCode.FAILED_PRECONDITION, "CAPTURE_STOPPED"),
    ],
)
async def test_what_cannot_be_enrolled_is_refused_at_once(
    microphones: Scripted, request_: captures_pb2.EnrollFromCaptureRequest, code: grpc.StatusCode, reason: str
) -> None:
    config = CONFIG.model_copy(update={"captures": {"door": DOOR.model_copy(update={"autostart": False})}})
    async with running(config) as daemon:
        know(daemon.store, "anna", 1)
        feed = await OpenFeed(daemon).opened()
        with refused() as refusal:
            await asyncio.to_thread(lambda: list(captures(daemon).EnrollFromCapture(request_)))
        feed.cancel()
    assert (refusal.code, refusal.reason) == (code, reason)
    assert not microphones.running
