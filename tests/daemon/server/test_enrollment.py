from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, cast

import grpc
import numpy as np
import pytest
import soxr

from daemon.config import LimitsConfig
from daemon.engine import Engine
from daemon.roster import Roster
from daemon.server.enrollment import EnrollmentService
from daemon.server.runtime import Runtime
from daemon.server.saving import Saver
from daemon.server.streams import Streams
from daemon.watch.captures import Captures
from daemon.watch.hub import Hub
from daemon.watch.watching import WatchParts
from models.features import SAMPLE_RATE
from proto.speakerd.v1 import audio_pb2, decision_pb2, enrollment_pb2
from tests import audio
from tests.daemon.server.harness import (
    CONFIG,
    Daemon,
    EnrollRequests,
    enroll_audio,
    enroll_config,
    know,
    linear16,
    next_recording,
    refused,
    running,
    verify_audio,
    verify_config,
)
from tests.fakes import FakeEncoder, fake_calibration

CREATE, ADD, REPLACE = enrollment_pb2.ENROLL_MODE_CREATE, enrollment_pb2.ENROLL_MODE_ADD, enrollment_pb2.ENROLL_MODE_REPLACE
FLOAT_48K = audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=48_000)


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with running() as started:
        yield started


def voice(seed: int, take: int = 0, seconds: float = 4.0) -> bytes:
    return linear16(audio.voice(seed, seconds, take=take))


def enrollment(
    name: str, *recordings: bytes, mode: enrollment_pb2.EnrollMode.ValueType = CREATE, allow_similar: bool = False
) -> EnrollRequests:
    yield enroll_config(name, mode, allow_similar=allow_similar, request_id="kiosk")
    for number, recording in enumerate(recordings):
        if number:
            yield next_recording()
        yield from enroll_audio(recording)


async def test_one_recording_enrolls_a_speaker(daemon: Daemon) -> None:
    responses = await daemon.enroll(enrollment("anna", voice(0)))
    assert {response.request_id for response in responses} == {"kiosk"}
    assert [response.WhichOneof("event") for response in responses[:-1]] == ["progress"] * (len(responses) - 1)
    result = responses[-1].result
    assert (result.speaker.name, result.speaker.model_id, result.speaker.recordings) == ("anna", "fake-1", 1)
    assert result.recordings[0].evidence.speech == result.speaker.speech
    assert result.recordings[0].verdict == enrollment_pb2.RECORDING_VERDICT_GOOD
    assert (result.recordings[0].advice, list(result.similar_voices)) == ("", [])
    assert responses[-1].audio_processed.ToNanoseconds() == 4 * 10**9
    assert [kept.evidence.speech * 62_500 for kept in daemon.store.get("anna").templates] == [result.speaker.speech.ToNanoseconds()]


async def test_progress_counts_over_all_recordings(daemon: Daemon) -> None:
    responses = await daemon.enroll(enrollment("anna", voice(0, seconds=2.0), voice(0, 1, seconds=2.0)))
    progress = [response.progress for response in responses[:-1]]
    assert [each.recording for each in progress] == sorted(each.recording for each in progress)
    assert {each.recording for each in progress} == {1, 2}
    speech, needed = [
        [each.ToNanoseconds() for each in kind] for kind in zip(*((p.speech, p.speech_needed) for p in progress), strict=True)
    ]
    assert (speech, needed) == (sorted(speech), sorted(needed, reverse=True))
    at = [response.audio_processed.ToNanoseconds() for response in responses]
    assert (at, at[-1]) == (sorted(at), 4 * 10**9)
    assert responses[-1].result.speaker.recordings == len(responses[-1].result.recordings) == 2


async def test_who_is_enrolled_is_recognised(daemon: Daemon) -> None:
    await daemon.enroll(enrollment("anna", voice(0)))
    decision = await daemon.decide([verify_config("anna"), *verify_audio(voice(0, 1))])
    assert decision.outcome == decision_pb2.OUTCOME_ACCEPT


async def test_each_recording_may_have_its_own_format(daemon: Daemon) -> None:
    content = soxr.resample(audio.voice(0, 4.0, take=1), SAMPLE_RATE, 48_000).tobytes()
    responses = await daemon.enroll([enroll_config("anna"), *enroll_audio(voice(0)), next_recording(FLOAT_48K), *enroll_audio(content)])
    assert responses[-1].audio_processed.ToNanoseconds() == 8 * 10**9


async def test_a_name_that_is_taken_is_refused_before_any_audio(daemon: Daemon) -> None:
    know(daemon.store, "anna", 0)
    with refused() as refusal:
        await daemon.enroll([enroll_config("anna")])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "SPEAKER_EXISTS")
    assert "choose another name" in refusal.message


async def test_replace_forgets_the_voice_that_was_there(daemon: Daemon) -> None:
    know(daemon.store, "anna", 0, model_id="fake-0")
    await daemon.enroll(enrollment("anna", voice(1), mode=REPLACE))
    [kept] = daemon.store.get("anna").templates
    assert kept.model_id == "fake-1"


async def test_add_keeps_what_was_there(daemon: Daemon) -> None:
    know(daemon.store, "anna", 0)
    responses = await daemon.enroll(enrollment("anna", voice(0, 1), mode=ADD))
    result = responses[-1].result
    assert (result.speaker.recordings, result.speaker.sessions, len(result.recordings)) == (2, 2, 1)


async def test_add_refuses_another_voice(daemon: Daemon) -> None:
    know(daemon.store, "anna", 0)
    with refused() as refusal:
        await daemon.enroll(enrollment("anna", voice(3), mode=ADD))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "VOICES_DIFFER")
    assert len(daemon.store.get("anna").templates) == 1


async def test_add_needs_somebody(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.enroll([enroll_config("anna", ADD)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND")


async def test_add_needs_the_model_that_runs(daemon: Daemon) -> None:
    know(daemon.store, "anna", 0, model_id="fake-0")
    with refused() as refusal:
        await daemon.enroll([enroll_config("anna", ADD)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_MODEL")


async def test_a_voice_that_is_known_is_refused_unless_it_is_allowed(daemon: Daemon) -> None:
    know(daemon.store, "anna", 0)
    with refused() as refusal:
        await daemon.enroll(enrollment("eve", voice(0, 1)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SIMILAR_SPEAKER_ENROLLED")
    assert refusal.metadata
    assert 0.5 < float(refusal.metadata["mutual_false_accept_rate"]) <= 1.0
    result = (await daemon.enroll(enrollment("eve", voice(0, 1), allow_similar=True)))[-1].result
    [similar] = result.similar_voices
    assert (similar.speaker, similar.mutual_false_accept_rate > 0.5, similar.score > 0.6) == ("anna", True, True)
    assert [speaker.name for speaker in daemon.store.speakers()] == ["anna", "eve"]


async def test_one_voice_cannot_be_enrolled_twice_at_the_same_time(daemon: Daemon) -> None:
    names = ["anna", "eve", "ida"]
    results = await asyncio.gather(*(daemon.enroll(enrollment(name, voice(0))) for name in names), return_exceptions=True)
    assert len([result for result in results if isinstance(result, grpc.RpcError)]) == 2
    assert len(daemon.store.speakers()) == 1


@pytest.mark.parametrize(
    ("recordings", "reason"),
    [
        ([voice(0, seconds=1.5)], "NOT_ENOUGH_SPEECH"),
        ([voice(0), bytes(2 * SAMPLE_RATE)], "NOT_ENOUGH_SPEECH"),
        ([voice(0), voice(3)], "VOICES_DIFFER"),
        ([linear16(np.clip(audio.voice(0, 4.0, level=0.0) * 4, -1, 1))], "AUDIO_CLIPPED"),
    ],
)
async def test_recordings_that_fail_a_check_are_refused(daemon: Daemon, recordings: list[bytes], reason: str) -> None:
    with refused() as refusal:
        await daemon.enroll(enrollment("anna", *recordings))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert daemon.store.speakers() == ()


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([], "CONFIG_EXPECTED"),
        (enroll_audio(bytes(320)), "CONFIG_EXPECTED"),
        ([next_recording()], "CONFIG_EXPECTED"),
        ([enroll_config("anna"), enroll_config("anna")], "UNEXPECTED_CONFIG"),
        ([enroll_config("anna"), enrollment_pb2.EnrollRequest()], "EMPTY_MESSAGE"),
        ([enroll_config("anna")], "AUDIO_EMPTY"),
        ([enroll_config("anna"), next_recording()], "AUDIO_EMPTY"),
        ([enroll_config("anna"), *enroll_audio(voice(0)), next_recording()], "AUDIO_EMPTY"),
        ([enroll_config("anna"), *enroll_audio(bytes(321))], "INCOMPLETE_SAMPLE"),
        ([enroll_config("anna"), *enroll_audio(bytes(321)), next_recording()], "INCOMPLETE_SAMPLE"),
        ([enroll_config("anna"), *enroll_audio(bytes(320)), next_recording(audio_pb2.AudioConfig())], "INVALID_AUDIO_CONFIG"),
        ([enroll_config("anna", audio_config=audio_pb2.AudioConfig())], "INVALID_AUDIO_CONFIG"),
        ([enroll_config("")], "INVALID_NAME"),
        ([enroll_config("a" * 65)], "INVALID_NAME"),
        ([enroll_config("anna", 99)], "MALFORMED_MESSAGE"),  # type: ignore[arg-type]
        ([enroll_config("anna", request_id="x" * 129)], "INVALID_REQUEST_ID"),
    ],
)
async def test_what_breaks_the_protocol_is_refused(daemon: Daemon, requests: EnrollRequests, reason: str) -> None:
    with refused() as refusal:
        await daemon.enroll(requests)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert daemon.store.speakers() == ()


async def test_a_later_recording_without_audio_is_numbered(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.enroll(enrollment("anna", voice(0), b"", voice(0, 1)))
    assert refusal.message.startswith("recording 2 has no audio")
    assert (refusal.metadata or {})["recording"] == "2"


async def test_ten_minutes_are_too_long(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.enroll([enroll_config("anna"), *enroll_audio(bytes(2 * SAMPLE_RATE * 600), 200_000)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "AUDIO_TOO_LONG")


async def test_speakers_and_recordings_are_limited() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(speakers=1, recordings=2)})) as daemon:
        with refused() as refusal:
            await daemon.enroll(enrollment("anna", *[voice(0, take, 2.0) for take in range(3)]))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_RECORDINGS")
        await daemon.enroll(enrollment("anna", *[voice(0, take, 2.0) for take in range(2)]))
        with refused() as refusal:
            await daemon.enroll([enroll_config("ben")])
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_SPEAKERS")
        with refused() as refusal:
            await daemon.enroll([enroll_config("anna", ADD)])
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_RECORDINGS")


async def test_a_full_disk_is_told_and_nothing_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    class SmallConnection(sqlite3.Connection):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            self.execute("PRAGMA max_page_count = 7")

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=SmallConnection))
    async with running() as daemon:
        with refused() as refusal:
            await daemon.enroll(enrollment("anna", *[voice(0, take, 1.0) for take in range(20)]))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
        assert "free some and try again; nothing was changed" in refusal.message
        assert daemon.store.speakers() == ()


async def test_a_message_over_the_cap_ends_the_enrollment(daemon: Daemon) -> None:
    requests = [*enrollment("anna", voice(0)), enrollment_pb2.EnrollRequest(audio=bytes(262_144))]
    with pytest.raises(grpc.RpcError) as caught:
        await daemon.enroll(requests)
    assert cast("grpc.Call", caught.value).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await daemon.server.stop()
    assert daemon.store.speakers() == ()


async def test_a_client_that_cancels_enrolls_nobody(daemon: Daemon) -> None:
    for _ in range(5):
        await asyncio.to_thread(send_all_and_cancel, daemon)
    await daemon.server.stop()
    assert daemon.store.speakers() == ()


def send_all_and_cancel(daemon: Daemon) -> None:
    """Send all the audio of an enrollment, but not that it is all; cancel once all of it was heard."""
    cancelled = threading.Event()

    def requests() -> Iterator[enrollment_pb2.EnrollRequest]:
        yield from enrollment("anna", voice(0))
        assert cancelled.wait(timeout=60)

    for response in (call := daemon.enrollment.Enroll(requests())):
        if response.progress.speech.ToMilliseconds() > 3_700:
            call.cancel()
            cancelled.set()
            return


class GoneClient:
    """The context of a client that is gone after its last message, before gRPC has noticed: reading ends, writing fails."""

    def __init__(self, requests: EnrollRequests) -> None:
        self._requests = iter(requests)
        self._gone = False

    async def read(self) -> object:
        request = next(self._requests, grpc.aio.EOF)
        self._gone = request is grpc.aio.EOF
        return request

    async def write(self, _response: enrollment_pb2.EnrollResponse) -> None:
        if self._gone:
            raise asyncio.CancelledError


async def test_a_client_that_is_gone_is_not_taken_for_one_that_has_no_more_to_send(daemon: Daemon) -> None:
    engine = Engine(FakeEncoder(), max_batch=4)
    with closing(engine), ThreadPoolExecutor() as storage:
        calibration = fake_calibration()
        watching = WatchParts(CONFIG, engine, calibration, Roster(daemon.store, "fake-1"), Hub(CONFIG.subscriptions))
        runtime = Runtime(CONFIG, engine, calibration, daemon.store, storage, Streams(CONFIG.limits), watching, Captures())
        service = EnrollmentService(runtime, Saver(runtime))
        with pytest.raises(asyncio.CancelledError):
            await service.Enroll(None, cast("Any", GoneClient(enrollment("anna", voice(0)))))
    assert daemon.store.speakers() == ()


async def test_any_cut_stores_the_same(daemon: Daemon) -> None:
    for name, size in (("anna", 999), ("ben", 32_000)):
        await daemon.enroll([enroll_config(name, allow_similar=True), *enroll_audio(voice(0), size)])
    [one], [other] = daemon.store.get("anna").templates, daemon.store.get("ben").templates
    np.testing.assert_array_equal(one.embedding, other.embedding)
    assert one.evidence == other.evidence
