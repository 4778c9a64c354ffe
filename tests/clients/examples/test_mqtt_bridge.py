"""The MQTT bridge as a process, between a real broker and real daemon processes."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any
from unittest.mock import Mock

import pytest
from paho.mqtt.client import Client as Mqtt
from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from clients.address import UnixAddress
from clients.audio import Audio, AudioFormat, Encoding
from clients.capture_messages import CaptureEvent, FeedConfig, SpeakerChanged
from clients.client import Client
from clients.examples.mqtt_bridge import Bridge, slug
from clients.messages import Evidence
from tests.clients.examples.test_voice_lock import PAUSE, RMS, SLT, hear, serving
from tests.daemon.process import daemon_process
from tests.daemon.server.harness import short_directory

BRIDGE = [sys.executable, "-m", "clients.examples.mqtt_bridge"]
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
WITHDRAWN = json.dumps({"capture": "door", "outcome": "UNDECIDED", "reason": "CAPTURE_LOST"})

pytestmark = pytest.mark.timeout(300)


class Home:
    """A home automation: it is told everything that goes through the broker."""

    def __init__(self, port: int) -> None:
        self._told: SimpleQueue[tuple[str, str, bool]] = SimpleQueue()
        self._mqtt = Mqtt(CallbackAPIVersion.VERSION2)
        self._mqtt.on_connect = lambda mqtt, *_: mqtt.subscribe("#")
        self._mqtt.on_message = self._hear
        self._mqtt.connect("localhost", port)
        self._mqtt.loop_start()

    def until(self, *awaited: tuple[str, str]) -> None:
        """Wait until topics were told payloads, in whatever order."""
        missing = set(awaited)
        while missing:
            missing.discard(self.next()[:2])

    def decision(self, outcome: str) -> dict[str, Any]:
        """Wait for what is decided at the door."""
        while True:
            topic, payload, retained = self.next()
            assert not (retained and topic.endswith("/decision")), "a decision that is kept would be acted on late"
            if topic == "speakerd/door/decision" and outcome in payload:
                decision = json.loads(payload)
                assert isinstance(decision, dict)
                return decision

    def next(self) -> tuple[str, str, bool]:
        """Wait for the next message; return its topic, its payload and whether the broker had kept it."""
        return self._told.get(timeout=60)

    def leave(self) -> None:
        self._mqtt.disconnect()
        self._mqtt.loop_stop()

    def _hear(self, _mqtt: Mqtt, _data: object, message: MQTTMessage) -> None:
        self._told.put((message.topic, message.payload.decode(), message.retain))


@contextmanager
def home(port: int) -> Iterator[Home]:
    home = Home(port)
    try:
        yield home
    finally:
        home.leave()


@contextmanager
def broker(port: int, directory: Path, *settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a broker that forgets what is retained when it ends."""
    if MOSQUITTO is None:
        pytest.fail("mosquitto is not installed, with which the MQTT bridge is tested: run `make packages`, as root or with sudo")
    config = directory / "mosquitto.conf"
    config.write_text("\n".join([f"listener {port} localhost", *(settings or ["allow_anonymous true"]), ""]), encoding="utf-8")
    with subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            while not answers(port):
                assert process.poll() is None, "the broker ended"
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("localhost", port)).close()
    except ConnectionRefusedError:
        return False
    return True


@contextmanager
def bridging(port: int, daemon: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]:
    """Yield a bridge and what it prints."""
    command = [*BRIDGE, "--socket", str(daemon), "--host", "localhost", "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process, process.stdout, process.stderr
        finally:
            process.kill()


def ready(lines: IO[str]) -> None:
    assert {lines.readline(), lines.readline()} == {"the broker is connected\n", "the daemon is heard\n"}


@contextmanager
def speaking(daemon: Path, capture: str) -> Iterator[None]:
    """Feed a capture during the block."""
    ended = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield PAUSE
        ended.wait()

    with Client(UnixAddress(daemon)) as client:
        feed = client.feed(FeedConfig(capture), Audio(AudioFormat(Encoding.FLOAT32, 16_000), chunks()))
        next(feed)
        try:
            yield
        finally:
            ended.set()
            feed.close()


@pytest.fixture
def port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return int(server.getsockname()[1])


def test_a_home_is_told_who_is_at_the_door(port: int, tmp_path: Path) -> None:
    with (
        serving() as daemon,
        broker(port, tmp_path),
        home(port) as listener,
        bridging(port, daemon.socket) as (process, lines, _),
        Client(UnixAddress(daemon.socket)) as client,
    ):
        ready(lines)
        listener.until(("speakerd/availability", "online"))
        hear(client, SLT[3], RMS[3])

        configs = {}
        while (told := listener.next())[:2] != ("speakerd/door/availability", "online"):
            configs[told[0]] = json.loads(told[1])
        binary, sensor = (configs[f"homeassistant/{kind}/speakerd/speakerd_door/config"] for kind in ("binary_sensor", "sensor"))
        assert binary["state_topic"] == sensor["state_topic"] == "speakerd/door/decision"
        assert binary["availability"] == [{"topic": "speakerd/availability"}, {"topic": "speakerd/door/availability"}]
        assert (binary["availability_mode"], binary["off_delay"], sensor["expire_after"]) == ("all", 5, 5)
        assert binary["unique_id"] != sensor["unique_id"]

        accepted = listener.decision("ACCEPT")
        assert (accepted["speaker"], accepted["reason"], accepted["capture"]) == ("slt", "LLR_ABOVE_BOUNDARY", "door")
        assert datetime.fromisoformat(accepted["expires"]) > datetime.now(UTC)
        rejected = listener.decision("REJECT")
        assert (rejected["speaker"], rejected["expires"]) == ("", None)
        listener.until(("speakerd/door/decision", WITHDRAWN))
        listener.until(("speakerd/door/availability", "offline"))

        process.send_signal(signal.SIGINT)
        listener.until(("speakerd/availability", "offline"))
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "ended\n", "")


def test_what_is_lost_is_unavailable_until_it_is_back(port: int, tmp_path: Path) -> None:
    with short_directory() as directory, broker(port, tmp_path) as first, home(port) as listener, daemon_process(directory) as daemon:
        daemon.ready()
        with bridging(port, daemon.socket) as (killed, lines, _), speaking(daemon.socket, "hall"):
            ready(lines)
            listener.until(("speakerd/hall/availability", "online"))
            killed.kill()
            listener.until(("speakerd/availability", "offline"))

        with bridging(port, daemon.socket) as (_, _, errors):
            listener.until(("speakerd/hall/availability", "offline"), ("speakerd/availability", "online"))
            with speaking(daemon.socket, "door"):
                listener.until(("speakerd/door/availability", "online"))
                daemon.kill()
                listener.until(("speakerd/availability", "offline"))
                listener.until(("speakerd/door/decision", WITHDRAWN))
                listener.until(("speakerd/door/availability", "offline"))
            assert "no daemon answers" in errors.readline()

            with daemon_process(directory) as again:
                again.ready()
                listener.until(("speakerd/availability", "online"))
                first.kill()
                first.wait()
                with broker(port, tmp_path), home(port) as anew:
                    anew.until(("speakerd/availability", "online"))


def test_a_bridge_says_what_it_waits_for(port: int, tmp_path: Path) -> None:
    with bridging(port, tmp_path / "none") as (process, _, errors):
        sentences = {errors.readline().partition(" at ")[0] for _ in range(2)}
        assert sentences == {"no broker answers", "no daemon answers"}
        with broker(port, tmp_path, "allow_anonymous false"):
            while not (line := errors.readline()).startswith("the broker refuses the connection: "):
                assert "trying again" in line
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_different_captures_have_different_topics() -> None:
    names = ["door", "Door", "front door", "front-door", "front_door", "a/b", "a+b", "a#", "tür"]
    assert len({slug(name) for name in names}) == len(names)
    assert all(slug(name).replace("-", "_").isidentifier() for name in names)
    assert slug("front_door") == "front_door"


def test_an_acceptance_is_withdrawn_when_somebody_else_speaks() -> None:
    mqtt = Mock(spec=Mqtt)
    changed = SpeakerChanged(1, "ada", -3.0, Evidence(1.8, 20.0, 0.0, 7000.0))
    Bridge(mqtt, {"prefix": "speakerd", "hold": 5}).hear(CaptureEvent("run", 3, datetime.now(UTC), "door", 2.5, changed))  # type: ignore[typeddict-item]
    topic, payload = mqtt.publish.call_args.args
    assert topic == "speakerd/door/decision"
    assert json.loads(payload) == {"capture": "door", "outcome": "UNDECIDED", "reason": "SPEAKER_CHANGED"}
