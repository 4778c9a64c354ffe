from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NoReturn, cast

import grpc
import pytest
import structlog
from structlog.testing import capture_logs

from daemon import errors
from daemon.errors import SpeakerdError, StorageError
from daemon.server.errors import MAX_TEXT, reported, status_code


def subclasses(kind: type[SpeakerdError]) -> Iterator[type[SpeakerdError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from subclasses(each)


class Context:
    """Takes the abort that a handler ends with."""

    def __init__(self) -> None:
        self.aborted: tuple[grpc.StatusCode, str] | None = None

    async def abort(self, code: grpc.StatusCode, details: str, _trailing_metadata: object) -> NoReturn:
        self.aborted = (code, details)
        raise grpc.aio.AbortError


async def report(error: BaseException) -> Context:
    context = Context()
    with pytest.raises((grpc.aio.AbortError, type(error))):
        async with reported(cast("Any", context), structlog.get_logger()):
            raise error
    return context


@pytest.mark.parametrize("kind", [kind for kind in subclasses(SpeakerdError) if kind.__module__ == errors.__name__])
def test_every_error_has_a_status(kind: type[SpeakerdError]) -> None:
    assert status_code(kind("")) is not grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.AudioTooLongError, grpc.StatusCode.OUT_OF_RANGE),
        (errors.TooManyStreamsError, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.StorageFullError, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.StorageKeyError, grpc.StatusCode.INTERNAL),
        (errors.VoicesDifferError, grpc.StatusCode.FAILED_PRECONDITION),
        (errors.NotFiniteAudioError, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_the_nearest_class_decides(kind: type[SpeakerdError], code: grpc.StatusCode) -> None:
    assert status_code(kind("")) is code


async def test_what_nobody_foresaw_is_told_without_its_details() -> None:
    with capture_logs() as logs:
        context = await report(ZeroDivisionError("secret"))
    assert context.aborted
    assert context.aborted[0] is grpc.StatusCode.INTERNAL
    assert "secret" not in context.aborted[1]
    assert [(line["event"], line["log_level"]) for line in logs] == [("request failed", "error")]


async def test_a_failing_store_is_for_the_operator_too() -> None:
    with capture_logs() as logs:
        await report(StorageError("the disk is broken"))
    assert [(line["log_level"], line["error"]) for line in logs] == [("error", "the disk is broken")]


async def test_a_failing_voiceprint_is_logged_without_whose_it_is() -> None:
    with capture_logs() as logs:
        await report(StorageError("the voiceprint of 'anna' was altered on disk", speaker="anna"))
    assert logs == [{"event": "storage failed", "reason": "STORAGE_FAILED", "log_level": "error"}]


async def test_what_a_client_did_wrong_is_logged_by_its_reason_alone() -> None:
    with capture_logs() as logs:
        await report(errors.SpeakerNotFoundError("nobody is enrolled as 'anna'"))
    assert logs == [{"event": "request refused", "reason": "SPEAKER_NOT_FOUND", "log_level": "info"}]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), grpc.aio.UsageError()])
async def test_the_end_of_a_call_is_left_to_grpc(error: BaseException) -> None:
    with capture_logs() as logs:
        context = await report(error)
    assert (context.aborted, logs) == (None, [])


async def test_long_texts_are_cut() -> None:
    context = await report(SpeakerdError("ü" * 10_000))
    assert context.aborted
    assert len(context.aborted[1].encode()) <= MAX_TEXT + 3
