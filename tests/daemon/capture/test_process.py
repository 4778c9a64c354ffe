from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from daemon.capture import process
from daemon.capture.process import recorder
from daemon.capture.records import Audio, Failed, Lost, Opened, Record, Stalled, encode


def telling(*records: Record, then: str = "") -> tuple[str, ...]:
    """Return the command of a program that tells `records`."""
    content = b"".join(encode(record) for record in records)
    return (sys.executable, "-c", f"import os, time\nos.write(1, {content!r})\n{then}")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_what_a_recorder_tells_is_read() -> None:
    command = telling(Opened("a", 48_000), Audio(np.ones(3, dtype=np.float32)), Lost())
    async with recorder(command=command) as running:
        assert await running.next() == Opened("a", 48_000)
        audio = await running.next()
        assert isinstance(audio, Audio)
        assert audio.samples.tolist() == [1, 1, 1]
        assert await running.next() == Lost()


@pytest.mark.parametrize(
    ("then", "code"),
    [("os._exit(3)", 3), ("os.kill(os.getpid(), 6)", -6), ("os.write(1, b'A')", 0), (r"os.write(1, b'A\x08\0\0\0\0\0\0')", 0)],
)
async def test_a_recorder_that_ends_without_a_word_has_failed(then: str, code: int) -> None:
    async with recorder(command=telling(Lost(), then=then)) as running:
        assert await running.next() == Lost()
        assert await running.next() == Failed(f"the process that records the device ended by itself (exit code {code})")


async def test_a_recorder_that_hangs_is_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SILENT_SECONDS", 0.2)
    async with recorder(command=telling(then="time.sleep(3600)")) as running:
        assert await running.next() == Stalled()


async def test_the_process_ends_with_the_block_and_leaves_nothing_open() -> None:
    await asyncio.to_thread(open_files)
    before = open_files()
    for _ in range(3):
        async with recorder(command=telling(Opened("a", 1), then="os.write(1, str(os.getpid()).encode()); time.sleep(3600)")) as running:
            await running.next()
            pid = int(await running._stream.read(100))  # noqa: SLF001
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    await asyncio.sleep(0)
    assert open_files() == before


async def test_a_block_that_is_cancelled_leaves_nothing_open_though_nobody_reads() -> None:
    await asyncio.to_thread(open_files)
    before = open_files()
    entered = asyncio.Event()

    async def never_read() -> None:
        async with recorder(command=telling(then="while True: os.write(1, bytes(65536))")):
            entered.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(never_read())
    await entered.wait()
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert open_files() == before
