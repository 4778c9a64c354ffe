from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from clients.address import UnixAddress
from clients.audio import Audio, AudioFormat, Encoding
from clients.client import Client
from clients.errors import (
    AudioFileError,
    EnrollmentRefusedError,
    NoSpeakersError,
    SpeakerNotFoundError,
    UnreachableError,
)
from clients.files import open_audio
from clients.messages import Decision, EnrollConfig, Enrolled, EnrollmentProgress, Outcome, SpeechStarted, VerifyConfig
from proto.speakerd.v1 import decision_pb2, verification_pb2
from tests.clients.double import Double, decision, failure

LINEAR = AudioFormat(Encoding.LINEAR16, 16_000)


@pytest.fixture
def client(double: Double, address: UnixAddress) -> Iterator[Client]:  # noqa: ARG001 - it is what answers
    with Client(address) as client:
        yield client


def test_an_attempt_yields_its_events_in_order(client: Client, double: Double) -> None:
    double.answers = [
        verification_pb2.VerifyResponse(speech_started=verification_pb2.SpeechStarted()),
        decision(decision_pb2.OUTCOME_UNDECIDED, 0.4, final=False),
        decision(decision_pb2.OUTCOME_ACCEPT, 0.75),
    ]

    started, interim, final = client.verify(VerifyConfig(["ada"]), Audio(LINEAR, [b"ab", b"cd"]))

    assert isinstance(started, SpeechStarted)
    assert isinstance(interim, Decision)
    assert (interim.outcome, interim.final) == (Outcome.UNDECIDED, False)
    assert isinstance(final, Decision)
    assert (final.outcome, final.final, final.score) == (Outcome.ACCEPT, True, 0.75)
    assert list(double.verify_config.speakers) == ["ada"]
    assert bytes(double.audio) == b"abcd"


def test_large_chunks_arrive_whole(client: Client, double: Double) -> None:
    audio = bytes(range(256)) * 4096

    list(client.verify(VerifyConfig(), Audio(LINEAR, [audio])))

    assert bytes(double.audio) == audio


def test_an_early_decision_ends_endless_audio(client: Client, double: Double) -> None:
    double.decide_after = 10_000
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1_000
            yield bytes(1_000)

    (event,) = client.verify(VerifyConfig(), Audio(LINEAR, endless()))

    assert isinstance(event, Decision)
    assert sent >= 10_000


def test_giving_up_an_attempt_cancels_it(client: Client, double: Double) -> None:
    double.answers = [decision(decision_pb2.OUTCOME_UNDECIDED, 0.4, final=False)] * 3
    events = client.verify(VerifyConfig(), Audio(LINEAR, [b"ab"]))
    next(events)

    events.close()

    assert double.ended.wait(10)


@pytest.mark.parametrize("error", [AudioFileError("a.wav cannot be read as audio"), ValueError("microphone unplugged")])
def test_an_error_of_the_audio_comes_through(client: Client, double: Double, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Iterator[bytes]:
        yield b"ab"
        double.began.wait()
        raise error

    with pytest.raises(type(error)) as caught, caplog.at_level(logging.DEBUG):
        list(client.verify(VerifyConfig(), Audio(LINEAR, broken())))

    assert caught.value is error
    assert double.ended.wait(10)
    assert not caplog.records, "gRPC logs a traceback of its own"


def test_a_closed_client_ends_its_streams(double: Double, address: UnixAddress) -> None:
    silence = threading.Event()

    def waiting() -> Iterator[bytes]:
        yield b"ab"
        silence.wait()

    client = Client(address)
    double.decide_after = 2
    double.answers = [decision(decision_pb2.OUTCOME_UNDECIDED, 0.4, final=False)] * 2
    events = client.verify(VerifyConfig(), Audio(LINEAR, waiting()))
    next(events)
    client.close()

    assert double.ended.wait(10)
    silence.set()


def test_an_enrollment_yields_progress_and_result(client: Client, double: Double, recording: Path) -> None:
    *progress, result = client.enroll(EnrollConfig("ada"), [open_audio(recording), open_audio(recording)])

    assert [type(event) for event in progress] == [EnrollmentProgress]
    assert isinstance(result, Enrolled)
    assert result.speaker.name == "ada"
    kinds = [request.WhichOneof("payload") for request in double.enroll_requests]
    assert kinds == ["config", *["audio"] * 5, "next_recording", *["audio"] * 5]


def test_a_refused_enrollment_says_why(client: Client, double: Double, recording: Path) -> None:
    double.failure = failure(grpc.StatusCode.FAILED_PRECONDITION, "VOICES_DIFFER", "two people speak", recording="2")

    with pytest.raises(EnrollmentRefusedError, match="two people speak") as caught:
        list(client.enroll(EnrollConfig("ada"), [open_audio(recording)]))

    assert (caught.value.reason, caught.value.metadata) == ("VOICES_DIFFER", {"recording": "2"})


def test_speakers_come_from_all_pages(client: Client, double: Double) -> None:
    names = ["ada", "bob", "cyd", "dan", "eve"]
    for name in names:
        double.add(name)

    assert [speaker.name for speaker in client.speakers()] == names


def test_show_and_delete(client: Client, double: Double) -> None:
    double.add("ada")

    assert client.speaker("ada").recordings == 3
    client.delete("ada")

    assert list(client.speakers()) == []
    for request in (client.speaker, client.delete):
        with pytest.raises(SpeakerNotFoundError, match="nobody is enrolled as 'ada'"):
            request("ada")


def test_reset(client: Client, double: Double) -> None:
    double.add("ada").adapted_attempts = 3

    assert client.speaker("ada").adapted_attempts == 3
    assert client.reset("ada").adapted_attempts == 0
    with pytest.raises(SpeakerNotFoundError, match="nobody is enrolled as 'bob'"):
        client.reset("bob")


def test_status(client: Client) -> None:
    assert client.status().model_id == "edge-1"


def test_errors_of_a_stream_have_their_class(client: Client, double: Double) -> None:
    double.failure = failure(grpc.StatusCode.FAILED_PRECONDITION, "NO_SPEAKERS_ENROLLED", "enroll someone first")

    with pytest.raises(NoSpeakersError, match="enroll someone first"):
        list(client.verify(VerifyConfig(), Audio(LINEAR, [b"ab"])))


def test_no_daemon(address: UnixAddress) -> None:
    sentence = "no daemon answers at .*speakerd.sock: start it with `speakerd serve`"
    with Client(address) as client:
        with pytest.raises(UnreachableError, match=sentence):
            client.status()
        with pytest.raises(UnreachableError, match=sentence):
            list(client.verify(VerifyConfig(), Audio(LINEAR, [b"ab"])))


def test_a_daemon_that_is_stopping_says_so(client: Client, double: Double) -> None:
    double.failure = failure(grpc.StatusCode.UNAVAILABLE, "DAEMON_STOPPING", "the daemon is stopping")

    with pytest.raises(UnreachableError, match="the daemon is stopping") as caught:
        client.status()

    assert caught.value.reason == "DAEMON_STOPPING"


def test_a_proxy_is_not_asked_for_a_socket(monkeypatch: pytest.MonkeyPatch, double: Double, address: UnixAddress) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    double.add("ada")

    with Client(address) as client:
        assert client.status().speakers == 1


def test_closing_does_not_wait_for_a_call_whose_start_was_interrupted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_state: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grpc._channel._run_channel_spin_thread", interrupted)
    monkeypatch.setattr("clients.client.CLOSE_SECONDS", 0.01)

    with pytest.raises(KeyboardInterrupt):
        list(client.verify(VerifyConfig(), Audio(LINEAR, [b"ab"])))
    client.close()
