from __future__ import annotations

import asyncio

import numpy as np
import pytest

from daemon.capture.devices import Device
from daemon.capture.records import Audio, Failed, Listed, Lost, Opened, Record, Stalled, encode, read

DEVICE = Device(3, "USB Küche", 2, 44_100, default=True)


def stream(content: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(content)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize("record", [Opened("USB Küche", 48_000), Lost(), Stalled(), Failed("it is gone"), Listed((DEVICE,)), Listed(())])
async def test_a_record_comes_out_as_it_went_in(record: Record) -> None:
    assert await read(stream(encode(record))) == record


async def test_records_follow_each_other() -> None:
    samples = np.array([0.0, -1.0, 0.25], dtype=np.float32)
    reader = stream(encode(Lost()) + encode(Audio(samples)) + encode(Stalled()))
    assert await read(reader) == Lost()
    audio = await read(reader)
    assert isinstance(audio, Audio)
    assert audio.samples.tolist() == samples.tolist()
    assert await read(reader) == Stalled()


@pytest.mark.parametrize("missing", [1, 5, 12])
async def test_a_record_that_is_cut_off_is_none(missing: int) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await read(stream(encode(Audio(np.zeros(2, dtype=np.float32)))[:-missing]))


async def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="no record"):
        await read(stream(b"?\0\0\0\0"))
