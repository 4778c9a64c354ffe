from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from daemon.decision import boundaries
from daemon.server import status
from proto.speakerd.v1 import status_pb2, verification_pb2
from tests import audio
from tests.daemon.server.harness import CONFIG, Daemon, know, linear16, running, verify_audio, verify_config
from tests.fakes import fake_calibration


async def ask(daemon: Daemon) -> status_pb2.GetStatusResponse:
    return await asyncio.to_thread(daemon.status.GetStatus, status_pb2.GetStatusRequest())


async def test_the_status_tells_what_runs() -> None:
    async with running() as daemon:
        know(daemon.store, "anna", 0)
        told = await ask(daemon)
    assert (told.model_id, told.backend, told.speakers, told.active_streams, told.max_streams) == ("fake-1", "onnxruntime", 1, 0, 32)
    assert (told.false_accept_rate, told.false_reject_rate, told.prior) == (0.01, 0.05, 0.5)
    np.testing.assert_allclose((told.accept_llr, told.reject_llr), (1.0, -1.0))
    assert told.version
    assert 0 < told.uptime.ToMicroseconds() < 60 * 10**6


async def test_the_boundaries_are_those_for_everyone_who_is_enrolled() -> None:
    async with running() as daemon:
        know(daemon.store, "anna", 0)
        alone = await ask(daemon)
        know(daemon.store, "ben", 1)
        both = await ask(daemon)
    assert (both.accept_llr, both.reject_llr) == tuple(boundaries(CONFIG.decision, fake_calibration(), 2))
    assert both.accept_llr > alone.accept_llr


async def test_open_streams_are_counted() -> None:
    async with running() as daemon:
        know(daemon.store, "anna", 0)
        asked = threading.Event()

        def requests() -> Iterator[verification_pb2.VerifyRequest]:
            yield verify_config()
            yield from verify_audio(linear16(audio.voice(0, 0.5)))
            assert asked.wait(timeout=60)

        responses = daemon.verification.Verify(requests())
        await asyncio.to_thread(next, responses)
        assert (await ask(daemon)).active_streams == 1
        asked.set()
        assert await asyncio.to_thread(list, responses)
        assert (await ask(daemon)).active_streams == 0


def test_a_tree_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(status, "version", missing)
    assert status.daemon_version() == "not installed"
