from __future__ import annotations

import asyncio
from typing import Any, cast

import grpc
import pytest
import structlog

from daemon.config import LimitsConfig
from daemon.errors import StreamIdleError
from daemon.server.streams import Stream
from tests import audio
from tests.daemon.server.harness import CONFIG, OpenStream, know, linear16, refused, running, verify_audio, verify_config


async def test_no_more_streams_are_let_in_than_are_allowed() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(streams=2)})) as daemon:
        know(daemon.store, "anna", 0)
        first, second = await OpenStream(daemon).opened(), await OpenStream(daemon).opened()
        with refused() as refusal:
            await daemon.verify([verify_config()])
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
        assert "2 streams are open" in refusal.message
        assert (await first.end())[-1].decision.is_final
        third = await OpenStream(daemon).opened()
        assert [(await stream.end())[-1].decision.is_final for stream in (second, third)] == [True, True]


async def test_a_client_that_says_nothing_is_cut_off() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(idle_seconds=0.2)})) as daemon:
        know(daemon.store, "anna", 0)
        stream = await OpenStream(daemon).opened()
        with refused() as refusal:
            await stream.rest()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "STREAM_IDLE")
    assert "sent nothing for 0.2 s" in refusal.message


async def test_a_client_that_takes_nothing_in_is_cut_off() -> None:
    class DeafClient:
        async def write(self, _response: object) -> None:
            await asyncio.sleep(60)

    stream: Stream[Any, Any] = Stream(cast("Any", DeafClient()), LimitsConfig(idle_seconds=0.01), structlog.get_logger())
    with pytest.raises(StreamIdleError, match="took nothing in for"):
        await stream.send("response")


async def test_a_client_that_goes_away_leaves_its_place() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(streams=1)})) as daemon:
        know(daemon.store, "anna", 0)
        for _ in range(3):
            (await OpenStream(daemon).opened()).cancel()
            await daemon.until_idle()
        assert (await daemon.decide([verify_config(), *verify_audio(linear16(audio.voice(0, 2.0, take=1)))])).is_final
