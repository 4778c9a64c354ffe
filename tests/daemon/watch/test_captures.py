from __future__ import annotations

import pytest

from daemon.errors import CaptureExistsError, CaptureNotFoundError
from daemon.watch.capture_events import CaptureState
from daemon.watch.captures import Captures
from daemon.watch.watching import Capture
from tests.daemon.watched import watch_parts


async def test_captures_are_listed_by_name() -> None:
    captures = Captures()
    with watch_parts() as parts:
        for name in ("kitchen", "hall"):
            captures.add(Capture(name, parts))
        assert [(status.name, status.state) for status in captures.list()] == [
            ("hall", CaptureState.STOPPED),
            ("kitchen", CaptureState.STOPPED),
        ]


async def test_a_name_is_given_once() -> None:
    captures = Captures()
    with watch_parts() as parts:
        first = Capture("kitchen", parts)
        captures.add(first)
        with pytest.raises(CaptureExistsError, match="'kitchen' already") as caught:
            captures.add(Capture("kitchen", parts))
        assert caught.value.metadata == {"capture": "kitchen"}
        assert captures.get("kitchen") is first
        captures.remove(first)
        captures.add(Capture("kitchen", parts))


async def test_an_unknown_capture_is_told() -> None:
    with pytest.raises(CaptureNotFoundError, match="no capture is called 'kitchen'"):
        Captures().get("kitchen")
