from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from daemon.config import LogConfig
from daemon.log import configure


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield io.StringIO()
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_on_a_line(stream: io.StringIO) -> None:
    configure(LogConfig(), stream)
    structlog.get_logger().info("ready", address="unix:/s", text="two\nlines")
    [line] = lines(stream)
    assert (line["event"], line["level"], line["address"], line["text"]) == ("ready", "info", "unix:/s", "two\nlines")
    assert line["timestamp"].endswith("Z")


def test_what_is_below_the_level_is_left_out(stream: io.StringIO) -> None:
    configure(LogConfig(level="warning"), stream)
    structlog.get_logger().info("stream opened")
    structlog.get_logger().warning("stream refused")
    assert [line["event"] for line in lines(stream)] == ["stream refused"]


def test_libraries_log_in_the_same_form(stream: io.StringIO) -> None:
    configure(LogConfig(), stream)
    logging.getLogger("grpc").info("chatter")
    logging.getLogger("grpc").error("cannot bind %s", "here")
    [line] = lines(stream)
    assert (line["event"], line["level"]) == ("cannot bind here", "error")


@pytest.mark.parametrize("output", ["json", "console"])
def test_a_traceback_holds_no_values(stream: io.StringIO, output: str) -> None:
    configure(LogConfig.model_validate({"format": output}), stream)
    audio = b" ".join([b"secret", b"audio"])
    try:
        len(audio) // 0
    except ZeroDivisionError:
        structlog.get_logger().exception("failed")
    assert "ZeroDivisionError" in stream.getvalue()
    assert "secret audio" not in stream.getvalue()


def test_console_output_is_for_people(stream: io.StringIO) -> None:
    configure(LogConfig(format="console"), stream)
    structlog.get_logger().info("ready", address="unix:/s")
    assert "ready" in stream.getvalue()
    assert "{" not in stream.getvalue()
