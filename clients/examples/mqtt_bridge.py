"""An MQTT bridge: Home Assistant, or whatever else speaks MQTT, is told whom the daemon's captures recognise.

    pip install '.[examples]'
    MQTT_PASSWORD=... python -m clients.examples.mqtt_bridge --host broker.lan --username speakerd

Each capture becomes a device with a binary sensor (somebody is recognised) and a sensor (who). The topics, all below `--prefix`:

    availability             online while the daemon is heard, else offline; retained, and the bridge's last will
    CAPTURE/availability     online while the capture listens, else offline; retained
    CAPTURE/decision         each final decision, as JSON; an ACCEPT must not be acted on after `expires`. Who speaks on is accepted anew
                             now and then; UNDECIDED with reason SPEAKER_CHANGED says that somebody else speaks now

It fails closed. A decision is never retained and never sent late: messages go out at once (QoS 0) or not at all, and what is retained is
said anew whenever the broker comes back. When the daemon or a capture is lost, it is unavailable, and its last decision is withdrawn.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from clients.acceptance import is_fresh_accept
from clients.address import unix_address
from clients.capture_messages import (
    AttemptDecided,
    AttemptFollowed,
    CaptureChanged,
    CaptureEvent,
    CaptureState,
    SpeakerChanged,
    SubscribeConfig,
    Subscribed,
)
from clients.client import Client
from clients.errors import ClientError
from clients.messages import Outcome, Reason
from clients.subscription import Disconnected, Subscription, SubscriptionEvent

try:
    from paho.mqtt.client import Client as Mqtt
    from paho.mqtt.client import ConnectFlags, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode
except ModuleNotFoundError as error:
    raise SystemExit("the MQTT bridge needs paho-mqtt: run `pip install '.[examples]'`") from error

RETRY_SECONDS: Final = (1, 30)
"""Between two tries to reach the broker, at first and at most."""
DISCOVERY: Final = "homeassistant"
"""Where Home Assistant looks for devices."""
RECOGNISED: Final = "{{ 'ON' if value_json.outcome == 'ACCEPT' and as_timestamp(value_json.expires) > as_timestamp(now()) else 'OFF' }}"
WHO: Final = "{{ value_json.speaker if value_json.outcome == 'ACCEPT' else None }}"


class _Options(TypedDict):
    """Values of the options."""

    socket: Path | None
    captures: tuple[str, ...]
    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    prefix: str
    hold: int


class Bridge:
    """What the broker is told. Two threads use it: the subscription's and that of the MQTT client."""

    def __init__(self, mqtt: Mqtt, options: _Options) -> None:
        self._mqtt, self._options = mqtt, options
        self._lock = threading.RLock()
        self._captures: set[str] = set()
        self._retained: dict[str, str] = {}
        self._availability = f"{options['prefix']}/availability"
        self._retain(self._availability, "offline")
        mqtt.will_set(self._availability, "offline", qos=1, retain=True)
        mqtt.on_connect, mqtt.on_connect_fail, mqtt.on_message = self._connected, self._unreachable, self._found

    def hear(self, event: SubscriptionEvent) -> None:
        """Pass an event on."""
        with self._lock:
            match event:
                case Disconnected(error=error):
                    click.echo(f"{error}; trying again", err=True)
                    self.lose()
                case CaptureEvent(event=Subscribed(captures=captures)):
                    click.echo("the daemon is heard")
                    for capture in captures:
                        self._set(capture.name, listening=capture.state is CaptureState.LISTENING)
                    self._retain(self._availability, "online")
                case CaptureEvent(event=CaptureChanged(capture=capture)):
                    self._set(capture.name, listening=capture.state is CaptureState.LISTENING)
                case CaptureEvent(event=AttemptDecided() | AttemptFollowed() as decided):
                    self._decide(event, decided)
                case CaptureEvent(event=SpeakerChanged()):
                    self._withdraw(event.capture, Reason.SPEAKER_CHANGED.value)

    def lose(self) -> None:
        """Say that nothing is heard any more."""
        with self._lock:
            self._retain(self._availability, "offline")
            for name in self._captures:
                self._set(name, listening=False)

    def _set(self, name: str, *, listening: bool) -> None:
        if name not in self._captures:
            self._captures.add(name)
            self._discover(name)
        if not listening:
            self._withdraw(name, "CAPTURE_LOST")
        self._retain(self._topic(name, "availability"), "online" if listening else "offline")

    def _withdraw(self, name: str, reason: str) -> None:
        withdrawn = {"capture": name, "outcome": Outcome.UNDECIDED.value, "reason": reason}
        self._mqtt.publish(self._topic(name, "decision"), json.dumps(withdrawn))

    def _decide(self, event: CaptureEvent, decided: AttemptDecided | AttemptFollowed) -> None:
        decision, accepted = decided.decision, decided.decision.outcome is Outcome.ACCEPT
        # What was missed while the daemon was out of reach is told late.
        if not decision.final or (accepted and not is_fresh_accept(event, datetime.now(UTC))):
            return
        message = {
            "capture": event.capture,
            "outcome": decision.outcome.value,
            "speaker": decision.speaker if accepted else "",
            "reason": decision.reason.value,
            "score": decision.score,
            "llr": decision.llr,
            "posterior": decision.posterior,
            "time": event.time.isoformat(),
            "expires": decided.expires.isoformat() if decided.expires else None,
            "run_id": event.run_id,
            "sequence": event.sequence,
        }
        self._mqtt.publish(self._topic(event.capture, "decision"), json.dumps(message))

    def _connected(self, _mqtt: Mqtt, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None) -> None:
        if code.is_failure:
            click.echo(f"the broker refuses the connection: {code}", err=True)
            return
        click.echo("the broker is connected")
        with self._lock:
            for topic, payload in self._retained.items():
                self._mqtt.publish(topic, payload, retain=True)
            self._mqtt.subscribe(f"{self._options['prefix']}/+/availability")

    def _unreachable(self, _mqtt: Mqtt, _data: object) -> None:
        click.echo(f"no broker answers at {self._options['host']}:{self._options['port']}; trying again", err=True)

    def _found(self, _mqtt: Mqtt, _data: object, message: MQTTMessage) -> None:
        """Correct what a bridge that was killed left at the broker."""
        with self._lock:
            if message.retain and message.payload == b"online" and self._retained.get(message.topic) != "online":
                self._mqtt.publish(message.topic, "offline", retain=True)

    def _topic(self, name: str, what: str) -> str:
        return f"{self._options['prefix']}/{slug(name)}/{what}"

    def _retain(self, topic: str, payload: str) -> None:
        self._retained[topic] = payload
        self._mqtt.publish(topic, payload, retain=True)

    def _discover(self, name: str) -> None:
        decision, identity = self._topic(name, "decision"), f"{slug(self._options['prefix'])}_{slug(name)}"
        common = {
            "state_topic": decision,
            "availability": [{"topic": self._availability}, {"topic": self._topic(name, "availability")}],
            "availability_mode": "all",
            "device": {"identifiers": [f"speakerd_{identity}"], "name": f"speakerd {name}"},
            "origin": {"name": "speakerd"},
        }
        hold = self._options["hold"]
        entities = {
            "binary_sensor": {"name": "Recognised", "value_template": RECOGNISED, "off_delay": hold},
            "sensor": {"name": "Speaker", "value_template": WHO, "expire_after": hold, "json_attributes_topic": decision},
        }
        for kind, entity in entities.items():
            config = {"unique_id": f"speakerd_{identity}_{kind}", **entity, **common}
            self._retain(f"{DISCOVERY}/{kind}/speakerd/{identity}/config", json.dumps(config))


def slug(name: str) -> str:
    """Return a name as a part of topics and of identities, for which few characters may be used; different names stay different."""
    return re.sub("[^a-zA-Z0-9_]", lambda found: f"-{ord(found[0]):x}-", name)


@click.command()
@click.option("--socket", type=click.Path(path_type=Path), help="The daemon's unix socket, if it is not the default one.")
@click.option("--capture", "captures", multiple=True, help="Only this capture; again for more.  [default: all]")
@click.option("--host", default="localhost", show_default=True, help="The broker's.")
@click.option("--port", type=click.IntRange(1, 65535), default=1883, show_default=True, help="The broker's; 8883 is usual with --tls.")
@click.option("--username", help="At the broker.")
@click.option("--password", envvar="MQTT_PASSWORD", show_envvar=True, help="At the broker; better not on the command line.")
@click.option("--tls", is_flag=True, help="Encrypt, and check the broker's certificate.")
@click.option("--prefix", default="speakerd", show_default=True, help="What the topics begin with; each bridge needs its own.")
@click.option("--hold", type=click.IntRange(1), default=5, show_default=True, help="Seconds for which somebody stays recognised.")
def main(**options: Unpack[_Options]) -> None:
    """Tell an MQTT broker whom the daemon's captures recognise."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    mqtt = _mqtt(options)
    bridge = Bridge(mqtt, options)
    mqtt.loop_start()
    config = SubscribeConfig(options["captures"], decisions_only=True)
    try:
        with Client(unix_address(options["socket"])) as client, Subscription(client, config) as subscription:
            for event in subscription:
                bridge.hear(event)
    except KeyboardInterrupt:
        click.echo("ended")
    except ClientError as error:
        raise click.ClickException(str(error)) from error
    finally:
        bridge.lose()
        mqtt.disconnect()
        mqtt.loop_stop()


def _mqtt(options: _Options) -> Mqtt:
    mqtt = Mqtt(CallbackAPIVersion.VERSION2)
    mqtt.reconnect_delay_set(*RETRY_SECONDS)
    if options["username"] is not None:
        mqtt.username_pw_set(options["username"], options["password"])
    if options["tls"]:
        mqtt.tls_set()
    mqtt.connect_async(options["host"], options["port"])
    return mqtt


if __name__ == "__main__":
    main()
