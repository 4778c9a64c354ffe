"""`speakerctl subscribe` as a process, as it goes on until it is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import grpc
import pytest

from proto.speakerd.v1 import capture_event_pb2, captures_pb2, decision_pb2
from tests.clients.capture_double import REJECT, CaptureDouble, CaptureServer
from tests.clients.cli.conftest import Speakerctl
from tests.clients.double import failure

pytestmark = pytest.mark.usefixtures("capture_server")


@contextmanager
def subscribing(socket: Path, *options: str) -> Iterator[IO[str]]:
    """Yield what it prints; end it after the block."""
    command = [sys.executable, "-m", "clients", "subscribe", *options]
    environment = os.environ | {"SPEAKERD_SOCKET": str(socket), "COLUMNS": "200", "TZ": "UTC"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
        finally:
            process.terminate()
            err = process.stderr.read()
    assert (process.returncode, err) == (128 + signal.SIGTERM, "")


def test_json_prints_every_event(captures: CaptureDouble, socket: Path) -> None:
    options = ["--json", "--capture", "door", "--capture", "hall", "--levels", "--interval", "0.5", "--speaker", "ada"]
    with subscribing(socket, *options) as lines:
        first = json.loads(lines.readline())
        captures.publish(capture_event_pb2.CaptureEvent(capture="door", attempt_started=capture_event_pb2.AttemptStarted(attempt=1)))
        captures.publish(
            capture_event_pb2.CaptureEvent(capture="door", level=capture_event_pb2.Level(rms_dbfs=-20.0, peak_dbfs=-10.0, speech=True)),
            kept=False,
        )
        captures.decide(speaker="ada")
        captures.decide(REJECT, speaker="ada")
        captures.change(capture_event_pb2.CAPTURE_CHANGE_LOST, captures_pb2.CAPTURE_STATE_WAITING, "plug it in")
        started, level, accepted, rejected, lost = (json.loads(lines.readline()) for _ in range(5))

    assert (first["event"], first["sequence"], first["run_id"]) == ("subscribed", 1, "run-1")
    assert [capture["capture"] for capture in first["captures"]] == ["door"]
    assert (started["event"], started["sequence"], started["attempt"], started["offset_seconds"]) == ("attempt_started", 2, 1, 0.0)
    assert (level["event"], level["rms_dbfs"], level["peak_dbfs"], level["speech"]) == ("level", -20.0, -10.0, True)
    assert (accepted["event"], accepted["decision"], accepted["speaker"], accepted["final"]) == ("attempt_decided", "ACCEPT", "ada", True)
    assert (accepted["capture"], accepted["audio_seconds"]) == ("door", 2.5)
    assert accepted["expires"] > accepted["time"]
    assert (rejected["decision"], rejected["expires"]) == ("REJECT", None)
    assert (lost["event"], lost["change"], lost["state"], lost["problem"]) == ("capture_changed", "LOST", "WAITING", "plug it in")
    request = captures.requests[0]
    assert (list(request.captures), request.speaker, request.levels) == (["door", "hall"], "ada", True)
    assert (request.minimum_interval.ToMilliseconds(), request.decisions_only, request.after_sequence) == (500, False, 0)


def test_people_read_decisions_and_changes(captures: CaptureDouble, socket: Path) -> None:
    with subscribing(socket, "--decisions-only") as lines:
        assert lines.readline() == "Subscribed to what the captures hear.\n"
        captures.decide(decision_pb2.OUTCOME_UNDECIDED, final=False)
        captures.decide(speaker="ada")
        captures.change(capture_event_pb2.CAPTURE_CHANGE_LOST, captures_pb2.CAPTURE_STATE_WAITING, "plug it in")
        decided, lost = (lines.readline() for _ in range(2))

    assert decided[8:] == "  door  ACCEPT ada: the voice fits (LLR ada +7.5; posterior 75.0% after 1.2 s of speech)\n"
    assert lost[8:] == "  door  the device is gone: plug it in\n"
    assert captures.requests[0].decisions_only


def test_a_lost_connection_is_told_and_tried_again(captures: CaptureDouble, capture_server: CaptureServer, socket: Path) -> None:
    with subscribing(socket, "--json") as lines:
        lines.readline()
        capture_server.stop()
        told = [json.loads(lines.readline())]
        captures.restart()
        capture_server.start()
        while told[-1]["event"] != "subscribed":
            told.append(json.loads(lines.readline()))

    assert told[0]["event"] == "disconnected"
    assert told[0]["reason"] == "DAEMON_UNREACHABLE"
    assert told[0]["retry_seconds"] > 0
    assert told[-2] == {"event": "gap", "restarted": True}


def test_it_goes_on_after_an_event(captures: CaptureDouble, socket: Path) -> None:
    for speaker in ("ada", "bob"):
        captures.decide(speaker=speaker)

    with subscribing(socket, "--json", "--after", "2", "--run", "run-1") as lines:
        told: list[dict[str, Any]] = [json.loads(lines.readline()) for _ in range(2)]

    assert [event["event"] for event in told] == ["subscribed", "attempt_decided"]
    assert (told[1]["speaker"], told[1]["sequence"]) == ("bob", 3)


def test_what_the_daemon_refuses_ends_it(captures: CaptureDouble, speakerctl: Speakerctl) -> None:
    captures.failure = failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_SUBSCRIBERS", "try again later")

    done = speakerctl("subscribe")

    assert (done.status, done.out, done.err) == (5, "", "speakerctl: try again later\n")
