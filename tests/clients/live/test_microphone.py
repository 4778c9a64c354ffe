"""The live screen and a microphone: a real one of a sound server, and those of a daemon's stand-in, which do what a test wants."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Thread

import grpc
import pytest
import soundfile

from clients.address import UnixAddress
from clients.demo.plan import SHIPPED
from proto.speakerd.v1 import (
    capture_event_pb2,
    captures_pb2,
    captures_pb2_grpc,
    speakers_pb2_grpc,
    status_pb2_grpc,
    subscription_pb2_grpc,
)
from tests.clients.capture_double import CaptureDouble, capture
from tests.clients.double import Double
from tests.clients.live.emulator import Person, speakerctl
from tests.sound import SoundServer, sound_server

pytestmark = pytest.mark.timeout(300)


@contextmanager
def answering(address: UnixAddress, captures: CaptureDouble, double: Double) -> Iterator[None]:
    """Serve both stand-ins, as one daemon."""
    server = grpc.server(ThreadPoolExecutor(8))
    captures_pb2_grpc.add_CapturesServiceServicer_to_server(captures, server)
    subscription_pb2_grpc.add_SubscriptionServiceServicer_to_server(captures, server)
    speakers_pb2_grpc.add_SpeakersServiceServicer_to_server(double, server)
    status_pb2_grpc.add_StatusServiceServicer_to_server(double, server)
    server.add_insecure_port(address.target)
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


@pytest.fixture
def captures() -> CaptureDouble:
    return CaptureDouble()


@pytest.fixture
def double() -> Double:
    double = Double()
    double.add("ada")
    return double


@pytest.fixture
def live(address: UnixAddress, captures: CaptureDouble, double: Double) -> Iterator[Person]:
    """A screen that hears the stand-in's only capture."""
    with answering(address, captures, double), speakerctl("--socket", address.socket, "live") as person:
        person.sees("door", "1 enrolled", "q quit")
        # The screen is there before its subscription is: what happens in between would be told to nobody.
        assert captures.subscribed.acquire(timeout=60)
        yield person


def speak(sound: SoundServer, person: Person, name: str, *words: str) -> None:
    """Play a shipped recording into the microphone while someone waits for words on the screen."""
    samples, _ = soundfile.read(SHIPPED / name, dtype="float32")
    speaker = Thread(target=sound.play, args=[samples])
    speaker.start()
    try:
        person.sees(*words)
    finally:
        speaker.join()


def test_a_first_user_with_a_microphone_is_enrolled_and_recognised() -> None:
    """All that they do is to start it, to press e, to type a name, and to speak twice: ten seconds of speech."""
    with sound_server() as sound, speakerctl("live", environment=sound.environment) as person:
        person.sees("microphone", "temporary", "Press e", "silence")
        person.press("eslt\r")
        person.sees("Enrolling slt", "speak now")
        speak(sound, person, "1-slt/1.opus", "good: ")
        person.sees("slt is enrolled: say something else now")
        speak(sound, person, "1-slt/4.opus", "ACCEPT   slt")
        speak(sound, person, "3-awb/1.opus", "REJECT")
        person.press("q")
        assert person.leaves() == 0


def test_decisions_of_a_microphone(live: Person, captures: CaptureDouble) -> None:
    captures.decide()

    live.sees("ACCEPT   ada", "LLR +7.5, +2.5 from acceptance")


def test_a_microphone_that_is_unplugged_and_comes_back(live: Person, captures: CaptureDouble) -> None:
    captures.change(capture_event_pb2.CAPTURE_CHANGE_LOST, captures_pb2.CAPTURE_STATE_WAITING, "the microphone is gone: plug it in")
    live.sees("! the microphone is gone: plug it in")
    captures.change(capture_event_pb2.CAPTURE_CHANGE_RECOVERED)
    live.sees("Say something")


def test_a_daemon_that_comes_back(address: UnixAddress, captures: CaptureDouble, double: Double) -> None:
    with ExitStack() as stack:
        with answering(address, captures, double):
            person = stack.enter_context(speakerctl("--socket", address.socket, "live"))
            person.sees("1 enrolled", "Say something")
        person.sees("no daemon answers", "Trying")
        with answering(address, captures, double):
            person.sees("Say something")
        person.sees("Trying")
        person.press("q")
        assert person.leaves() == 4


def test_a_capture_that_was_stopped_listens_while_it_is_shown(address: UnixAddress, captures: CaptureDouble, double: Double) -> None:
    captures.captures["door"] = capture(state=captures_pb2.CAPTURE_STATE_STOPPED)
    with answering(address, captures, double), speakerctl("--socket", address.socket, "live") as person:
        person.sees("Say something")
        assert captures.captures["door"].state == captures_pb2.CAPTURE_STATE_LISTENING
        person.press("q")
        assert person.leaves() == 0
    assert captures.captures["door"].state == captures_pb2.CAPTURE_STATE_STOPPED


def test_a_capture_is_chosen(address: UnixAddress, captures: CaptureDouble, double: Double) -> None:
    captures.captures = {
        "attic": capture("attic", captures_pb2.CAPTURE_STATE_STOPPED),
        "door": capture("door"),
        "kitchen": capture("kitchen"),
    }
    with answering(address, captures, double):
        for options, name in (([], "door"), (["--capture", "kitchen"], "kitchen")):
            with speakerctl("--socket", address.socket, "live", *options) as person:
                person.sees(f"speakerd live  {name}", "Say something")
    assert [list(request.captures) for request in captures.requests] == [["door"], ["kitchen"]]


@pytest.mark.parametrize(("names", "sentence"), [([], "listens to no microphone"), (["door"], "it has: door")])
def test_a_capture_that_there_is_not(
    address: UnixAddress, captures: CaptureDouble, double: Double, names: list[str], sentence: str
) -> None:
    captures.captures = {name: capture(name) for name in names}
    options = ["--capture", "cellar"] if names else []
    with answering(address, captures, double), speakerctl("--socket", address.socket, "live", *options) as person:
        assert person.leaves() == 5
        assert sentence in person.text().replace("\n", "")
