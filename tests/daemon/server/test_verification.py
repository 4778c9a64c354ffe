from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import cast

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config import EnrollmentConfig, LimitsConfig
from daemon.hearing.audio import Encoding
from models.features import SAMPLE_RATE
from proto.speakerd.v1 import audio_pb2, decision_pb2, speakers_pb2, verification_pb2
from tests import audio
from tests.daemon.server.harness import AUDIO, CONFIG, Daemon, know, linear16, refused, running, verify_audio, verify_config

OWNER = linear16(audio.join(audio.noise(0.3, level=-65.0), audio.voice(0, 2.5, take=1), audio.noise(0.7, level=-65.0)))
STRANGER = linear16(audio.voice(3, 3.0))
PAUSES = linear16(audio.join(audio.voice(0, 0.7, take=1), audio.silence(0.6), audio.voice(0, 0.503, take=2), audio.silence(0.501)))
FLOAT = audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=SAMPLE_RATE)


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with running() as started:
        know(started.store, "anna", 0)
        know(started.store, "ben", 1)
        yield started


def samples(response: verification_pb2.VerifyResponse) -> float:
    return response.audio_processed.ToNanoseconds() / 62_500


async def test_the_owner_is_accepted(daemon: Daemon) -> None:
    decision = await daemon.decide([verify_config("anna"), *verify_audio(OWNER)])
    assert (decision.outcome, decision.speaker, decision.is_final) == (decision_pb2.OUTCOME_ACCEPT, "anna", True)
    assert decision.reason == decision_pb2.REASON_LLR_ABOVE_BOUNDARY
    assert decision.llr == pytest.approx(20 * decision.score - 11, abs=1e-4)
    assert decision.margin_accept == pytest.approx(decision.llr - 1, abs=1e-4)
    assert decision.margin_reject == pytest.approx(decision.llr + 1, abs=1e-4)
    assert decision.posterior == pytest.approx(1 / (1 + np.exp(-decision.llr)), abs=1e-4)
    assert not decision.HasField("expected_speech")
    assert decision.evidence.speech.ToMilliseconds() >= 500
    assert decision.evidence.voice_probability == 1.0
    assert [candidate.speaker for candidate in decision.candidates] == ["anna"]


ADAPTIVE = CONFIG.model_copy(update={"enrollment": EnrollmentConfig(adapt=True, adapt_margin=1.0, adapt_snr_db=0.0)})


async def test_a_voiceprint_learns_from_whoever_is_heard_to_the_end() -> None:
    async with running(ADAPTIVE) as daemon:
        know(daemon.store, "anna", 0)
        know(daemon.store, "ben", 1)
        before = daemon.store.get("anna")
        for speech in (STRANGER, OWNER):
            await daemon.decide([verify_config(wait_for_end=True), *verify_audio(speech)])
            await daemon.until_idle()
        anna, ben = daemon.store.get("anna"), daemon.store.get("ben")
        assert (len(anna.adapted), ben.adapted, anna.updated) == (1, (), before.updated)
        assert 0.0 < float(anna.voiceprint @ before.voiceprint) < 1.0
        reset = await asyncio.to_thread(daemon.speakers.ResetSpeaker, speakers_pb2.ResetSpeakerRequest(name="anna"))
        assert (reset.speaker.name, reset.speaker.adapted_attempts) == ("anna", 0)
        np.testing.assert_array_equal(daemon.store.get("anna").voiceprint, before.voiceprint)


async def test_voiceprints_stay_as_enrolled_by_default(daemon: Daemon) -> None:
    await daemon.decide([verify_config(wait_for_end=True), *verify_audio(OWNER)])
    await daemon.until_idle()
    assert daemon.store.get("anna").adapted == ()


async def test_a_stranger_is_rejected(daemon: Daemon) -> None:
    decision = await daemon.decide([verify_config("anna"), *verify_audio(STRANGER)])
    assert (decision.outcome, decision.reason) == (decision_pb2.OUTCOME_REJECT, decision_pb2.REASON_LLR_BELOW_BOUNDARY)


async def test_an_attempt_may_be_stricter_than_the_daemon(daemon: Daemon) -> None:
    config = verify_config("anna")
    config.config.false_accept_rate = 1e-37
    decision = await daemon.decide([config, *verify_audio(OWNER)])
    assert (decision.outcome, decision.reason) == (decision_pb2.OUTCOME_UNDECIDED, decision_pb2.REASON_AUDIO_ENDED)
    assert decision.margin_accept < 0 < decision.margin_reject


@pytest.mark.parametrize("rate", [0.02, 0.5, 1.0, 0.0, -0.1, float("nan"), float("inf")])
async def test_an_attempt_cannot_be_looser_than_the_daemon(daemon: Daemon, rate: float) -> None:
    config = verify_config("anna")
    config.config.false_accept_rate = rate
    with refused() as refusal:
        await daemon.decide([config, *verify_audio(OWNER)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TARGET")


async def test_no_names_search_all_speakers(daemon: Daemon) -> None:
    decision = await daemon.decide([verify_config(), *verify_audio(linear16(audio.voice(1, 2.0, take=1)))])
    assert (decision.outcome, decision.speaker) == (decision_pb2.OUTCOME_ACCEPT, "ben")
    assert [candidate.speaker for candidate in decision.candidates] == ["ben", "anna"]


async def test_events_come_in_order_exact_to_the_sample(daemon: Daemon) -> None:
    responses = await daemon.verify([verify_config(interim=True), *verify_audio(OWNER)])
    assert {"speech_started", "decision"} <= {response.WhichOneof("event") for response in responses}
    at = [samples(response) for response in responses]
    assert at == sorted(at)
    assert all(position == int(position) for position in at)
    assert [response.decision.is_final for response in responses if response.HasField("decision")].index(True) == len(responses) - 2


async def test_interim_decisions_come_only_if_asked_for(daemon: Daemon) -> None:
    responses = await daemon.verify([verify_config(), *verify_audio(OWNER)])
    assert [response.decision.is_final for response in responses if response.HasField("decision")] == [True]


async def test_the_request_id_is_echoed(daemon: Daemon) -> None:
    responses = await daemon.verify([verify_config(request_id="door 7"), *verify_audio(OWNER)])
    assert {response.request_id for response in responses} == {"door 7"}


async def test_a_stream_without_a_request_id_is_given_one(daemon: Daemon) -> None:
    first, second = [await daemon.verify([verify_config(), *verify_audio(OWNER)]) for _ in range(2)]
    assert len({response.request_id for response in first}) == 1
    assert first[0].request_id != second[0].request_id


async def test_the_stream_ends_as_soon_as_it_is_decided(daemon: Daemon) -> None:
    over = threading.Event()

    def requests() -> Iterator[verification_pb2.VerifyRequest]:
        yield verify_config("anna")
        yield from verify_audio(OWNER[: 2 * SAMPLE_RATE * 2])
        assert over.wait(timeout=60)

    def decide() -> decision_pb2.Decision:
        *_, last = daemon.verification.Verify(requests())
        over.set()
        return last.decision

    assert (await asyncio.to_thread(decide)).outcome == decision_pb2.OUTCOME_ACCEPT


async def test_it_can_be_told_to_wait_for_the_end(daemon: Daemon) -> None:
    responses = await daemon.verify([verify_config("anna", wait_for_end=True), *verify_audio(OWNER)])
    assert samples(responses[-1]) == len(OWNER) / 2


async def test_silence_stays_undecided(daemon: Daemon) -> None:
    decision = await daemon.decide([verify_config(), *verify_audio(bytes(2 * SAMPLE_RATE * 3))])
    assert (decision.outcome, decision.reason) == (decision_pb2.OUTCOME_UNDECIDED, decision_pb2.REASON_NO_SPEECH)
    assert (decision.speaker, decision.score, list(decision.candidates)) == ("", 0.0, [])


async def test_what_follows_the_decision_in_its_message_is_not_looked_at(daemon: Daemon) -> None:
    content = np.frombuffer(OWNER, dtype="<i2").astype("<f4") / 32_768
    bad = np.full(100, np.nan, dtype="<f4")
    requests = [verify_config("anna", audio_config=FLOAT), *verify_audio(content.tobytes() + bad.tobytes(), 250_000)]
    assert (await daemon.decide(requests)).outcome == decision_pb2.OUTCOME_ACCEPT


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 1)])
async def test_encodings_rates_and_channels_are_understood(daemon: Daemon, encoding: Encoding, rate: int, channels: int) -> None:
    config = audio_pb2.AudioConfig(
        encoding=audio_pb2.AudioEncoding.Value(f"AUDIO_ENCODING_{encoding.name}"), sample_rate_hertz=rate, channel_count=channels
    )
    width = {Encoding.LINEAR16: 2, Encoding.FLOAT32: 4}.get(encoding, 1)
    responses = await daemon.verify([verify_config(audio_config=config), *verify_audio(bytes(rate * channels * width))])
    assert samples(responses[-1]) == SAMPLE_RATE


@settings(max_examples=20)
@given(st.data(), st.sampled_from([OWNER, STRANGER, PAUSES]), st.booleans())
def test_any_cut_gives_the_same_events(data: st.DataObject, content: bytes, wait_for_end: bool) -> None:  # noqa: FBT001
    sizes = data.draw(st.lists(st.integers(1, 2 * SAMPLE_RATE), min_size=1, max_size=40))
    edges = [0, *(edge for edge in np.cumsum(sizes).tolist() if edge < len(content)), len(content)]
    pieces = [verification_pb2.VerifyRequest(audio=content[start:end]) for start, end in pairwise(edges)]
    config = verify_config(interim=True, wait_for_end=wait_for_end, request_id="same")

    async def both() -> tuple[list[verification_pb2.VerifyResponse], list[verification_pb2.VerifyResponse]]:
        async with running() as daemon:
            know(daemon.store, "anna", 0)
            know(daemon.store, "ben", 1)
            return await daemon.verify([config, *pieces]), await daemon.verify([config, *verify_audio(content)])

    cut, whole = asyncio.run(both())
    assert cut == whole


@pytest.mark.parametrize(("size", "content"), [(1, OWNER[10_000:20_000]), (2, OWNER[10_000:20_000]), (2 * SAMPLE_RATE, PAUSES)])
async def test_messages_of_a_byte_a_sample_a_second_give_the_same_events(daemon: Daemon, size: int, content: bytes) -> None:
    config = verify_config(interim=True, wait_for_end=True, request_id="same")
    cut = await daemon.verify([config, *verify_audio(content, size)])
    assert cut == await daemon.verify([config, *verify_audio(content)])


async def test_streams_do_not_disturb_each_other(daemon: Daemon) -> None:
    contents = [OWNER, STRANGER, PAUSES] * 2
    config = verify_config(interim=True, request_id="same")
    alone = [await daemon.verify([config, *verify_audio(content)]) for content in contents[:3]]
    together = await asyncio.gather(*(daemon.verify([config, *verify_audio(content)]) for content in contents))
    assert together == alone * 2


async def test_audio_before_the_config_is_refused(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify(verify_audio(OWNER))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CONFIG_EXPECTED")
    assert refusal.message == "the first message of a stream holds its config, the audio follows"


async def test_a_stream_without_a_message_is_refused(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify([])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CONFIG_EXPECTED")


async def test_a_second_config_is_refused(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config(), *verify_audio(OWNER[:3_200]), verify_config()])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNEXPECTED_CONFIG")
    assert "open another stream" in refusal.message


async def test_an_empty_message_is_refused(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config(), verification_pb2.VerifyRequest()])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMPTY_MESSAGE")


async def test_a_malformed_message_is_refused(daemon: Daemon) -> None:
    method: grpc.StreamStreamMultiCallable[bytes, bytes] = daemon.channel.stream_stream("/speakerd.v1.VerificationService/Verify")
    with refused() as refusal:
        await asyncio.to_thread(lambda: list(method(iter([b"\xff\xff\xff"]))))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


async def test_an_empty_stream_is_refused(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config()])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "AUDIO_EMPTY")
    assert "send some after its config" in refusal.message


async def test_unknown_speakers_are_told(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config("anna", "zoe"), *verify_audio(OWNER)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND")
    assert "nobody is enrolled as 'zoe'" in refusal.message
    assert refusal.metadata == {"speakers": "zoe"}


async def test_an_impossible_name_is_refused(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config("an\0na"), *verify_audio(OWNER)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME")


async def test_names_are_compared_as_they_look(daemon: Daemon) -> None:
    know(daemon.store, "Zo\u00eb", 2)
    decision = await daemon.decide([verify_config("Zoe\u0308"), *verify_audio(linear16(audio.voice(2, 2.0, take=1)))])
    assert decision.speaker == "Zo\u00eb"


async def test_who_is_deleted_while_speaking_is_not_accepted(daemon: Daemon) -> None:
    deleted = threading.Event()

    def requests() -> Iterator[verification_pb2.VerifyRequest]:
        yield verify_config("anna")
        yield from verify_audio(OWNER[:32_000])
        deleted.wait(timeout=60)
        yield from verify_audio(OWNER[32_000:])

    call = daemon.verification.Verify(requests())
    assert (await asyncio.to_thread(next, call)).HasField("speech_started")
    await asyncio.to_thread(daemon.speakers.DeleteSpeaker, speakers_pb2.DeleteSpeakerRequest(name="anna"))
    deleted.set()
    decision = (await asyncio.to_thread(list, call))[-1].decision
    assert (decision.outcome, decision.reason) == (decision_pb2.OUTCOME_UNDECIDED, decision_pb2.REASON_NO_SPEAKERS_ENROLLED)


async def test_a_search_among_nobody_is_refused() -> None:
    async with running() as daemon:
        with refused() as refusal:
            await daemon.verify([verify_config(), *verify_audio(OWNER)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_SPEAKERS_ENROLLED")
    assert "enroll a speaker first" in refusal.message


@pytest.mark.parametrize("names", [["old"], []])
async def test_voiceprints_of_another_model_are_refused(daemon: Daemon, names: list[str]) -> None:
    know(daemon.store, "old", 2, model_id="fake-0")
    with refused() as refusal:
        await daemon.verify([verify_config(*names), *verify_audio(OWNER)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_MODEL")
    assert "'old' must be enrolled again" in refusal.message


async def test_half_a_sample_is_refused(daemon: Daemon) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config(), *verify_audio(bytes(3_201))])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INCOMPLETE_SAMPLE")
    assert "1 of the 2 bytes" in refusal.message


async def test_samples_of_nan_are_refused(daemon: Daemon) -> None:
    content = np.array([0.0, np.nan], dtype="<f4").tobytes()
    with refused() as refusal:
        await daemon.verify([verify_config(audio_config=FLOAT), *verify_audio(content)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "AUDIO_NOT_FINITE")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=4_000), "4000 Hz is not supported"),
        (audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16), "0 Hz is not supported: send 8000 to 48000 Hz"),
        (audio_pb2.AudioConfig(sample_rate_hertz=16_000), "must be one of LINEAR16, FLOAT32, MULAW, ALAW"),
        (audio_pb2.AudioConfig(encoding=99, sample_rate_hertz=16_000), "must be one of"),  # type: ignore[arg-type]
        (audio_pb2.AudioConfig(encoding=AUDIO.encoding, sample_rate_hertz=16_000, channel_count=3), "send one or two"),
    ],
)
async def test_audio_that_cannot_be_read_is_refused_at_once(daemon: Daemon, config: audio_pb2.AudioConfig, expected: str) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config(audio_config=config)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_AUDIO_CONFIG")
    assert expected in refusal.message


@pytest.mark.parametrize("request_id", ["x" * 129, "a\nb"])
async def test_an_impossible_request_id_is_refused(daemon: Daemon, request_id: str) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config(request_id=request_id)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST_ID")


async def test_ten_minutes_of_silence_are_too_long(daemon: Daemon) -> None:
    content = bytes(2 * SAMPLE_RATE * 600)
    with refused() as refusal:
        await daemon.verify([verify_config(), *verify_audio(content, 200_000)])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "AUDIO_TOO_LONG")
    assert "300 s" in refusal.message


async def test_as_much_audio_as_is_allowed_is_heard() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(stream_seconds=5)})) as daemon:
        know(daemon.store, "anna", 0)
        assert (await daemon.decide([verify_config(), *verify_audio(bytes(2 * SAMPLE_RATE * 5))])).is_final
        with refused() as refusal:
            await daemon.verify([verify_config(), *verify_audio(bytes(2 * SAMPLE_RATE * 5 + 2))])
    assert refusal.reason == "AUDIO_TOO_LONG"


@pytest.mark.parametrize("size", [262_144, 5 * 2**20])
async def test_a_message_over_the_cap_is_refused(daemon: Daemon, size: int) -> None:
    with refused() as refusal:
        await daemon.verify([verify_config(), verification_pb2.VerifyRequest(audio=bytes(size))])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert "at most 262144 are allowed (limits.message_bytes)" in refusal.message


async def test_a_message_far_over_the_cap_is_not_even_read(daemon: Daemon) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        await daemon.verify([verify_config(), verification_pb2.VerifyRequest(audio=bytes(9 * 2**20))])
    assert cast("grpc.Call", caught.value).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
