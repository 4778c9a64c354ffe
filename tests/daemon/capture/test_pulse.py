"""The real path: a sound server, PortAudio, a recorder, and the daemon that hears what is played.

These tests do not only look into the daemon; they also measure that what a microphone hears is decided as a file is.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from clients.audio import Audio, AudioFormat, Encoding
from clients.capture_messages import (
    AttemptDecided,
    AttemptStarted,
    CaptureChange,
    CaptureChanged,
    CaptureEvent,
    CaptureState,
    FeedConfig,
    SubscribeConfig,
)
from clients.client import Client
from clients.messages import Outcome
from clients.stream import Stream
from models.features import SAMPLE_RATE, Waveform
from tests import audio
from tests.daemon.capture.listening import enroll_voices, listening, until_listening, voice
from tests.daemon.process import DaemonProcess
from tests.daemon.server.harness import linear16
from tests.sound import SoundServer, sound_server

CONFIG = "captures: {door: {retry_seconds: 0.2, max_retry_seconds: 0.5}}"
TOLERANCE = 0.3
"""Seconds by which the time to a decision may differ from that of the file."""
PAUSE = 0.5
"""Seconds since a decision after which an attempt does not follow it at once."""
ROUNDS = 3
"""Times that the microphone is plugged in again while leaks are looked for."""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def sound() -> Iterator[SoundServer]:
    with sound_server() as server:
        yield server


@pytest.fixture
def daemon(sound: SoundServer) -> Iterator[tuple[DaemonProcess, Client]]:
    with listening(sound, CONFIG) as daemon:
        yield daemon


def as_audio(samples: Waveform) -> Audio:
    return Audio(AudioFormat(Encoding.LINEAR16, SAMPLE_RATE, 1), [linear16(samples)])


def changes(events: Stream[CaptureEvent], until: CaptureChange) -> list[CaptureChange]:
    """Return what becomes of the capture, until a change."""
    found = []
    for told in events:
        if isinstance(told.event, CaptureChanged):
            found.append(told.event.change)
            if told.event.change is until:
                return found
    raise AssertionError(f"the events end without {until}: {found}")


def attempts(events: list[CaptureEvent]) -> list[tuple[str, str, float]]:
    """Return what was decided after each pause: outcome, speaker if one was accepted, seconds from the beginning of speech to the decision.

    Attempts that follow one another at once begin wherever the one before ended, which a few samples may change.
    """
    began = {told.event.attempt: told.event.offset for told in events if isinstance(told.event, AttemptStarted)}
    decided = [(told.at, told.event) for told in events if isinstance(told.event, AttemptDecided) and told.event.decision.final]
    ends = [-PAUSE, *(at for at, _ in decided)]
    return [
        (event.decision.outcome.value, event.decision.speaker * (event.decision.outcome is Outcome.ACCEPT), at - began[event.attempt])
        for (at, event), before in zip(decided, ends, strict=False)
        if began[event.attempt] - before >= PAUSE
    ]


def test_what_a_microphone_hears_is_decided_as_a_file_is(sound: SoundServer, daemon: tuple[DaemonProcess, Client]) -> None:
    _, client = daemon
    enroll_voices(client)
    pause = audio.silence(2.0)
    # An attempt ends with its decision: what is said after it is another. That of the next pause tells where the recording is over.
    said = audio.join(pause, *(part for name in ("1-slt/4.opus", "3-awb/1.opus", "2-rms/4.opus") for part in (voice(name), pause)))

    expected = attempts(list(client.feed(FeedConfig("file"), as_audio(said))))
    assert [speaker for outcome, speaker, _ in expected if outcome == "ACCEPT"][:1] == ["1-slt"]
    assert {outcome for outcome, *_ in expected} >= {"ACCEPT", "REJECT"}

    until_listening(client)
    with closing(client.subscribe(SubscribeConfig(captures=["door"]))) as events:
        next(events)
        sound.play(said)
        heard: list[CaptureEvent] = []
        while len(attempts(heard)) < len(expected):
            heard.append(next(events))

    for (outcome, speaker, seconds), (heard_outcome, heard_speaker, heard_seconds) in zip(expected, attempts(heard), strict=True):
        assert (heard_outcome, heard_speaker) == (outcome, speaker)
        assert heard_seconds == pytest.approx(seconds, abs=TOLERANCE)
    [capture] = client.captures()
    assert capture.counters.overruns == 0


def test_devices_are_listed(daemon: tuple[DaemonProcess, Client]) -> None:
    [default] = [device for device in daemon[1].devices() if device.is_default]
    assert default.name == "default"
    assert default.channels > 0
    assert default.rate > 0


def test_a_microphone_that_is_unplugged_is_heard_again_and_nothing_leaks(sound: SoundServer, daemon: tuple[DaemonProcess, Client]) -> None:
    process, client = daemon
    until_listening(client)
    with closing(client.subscribe(SubscribeConfig(captures=["door"]))) as events:
        held = []
        for _ in range(ROUNDS):
            sound.unplug()
            assert changes(events, CaptureChange.LOST)[-1:] == [CaptureChange.LOST]
            [capture] = client.captures()
            assert capture.state is CaptureState.WAITING
            assert capture.problem
            sound.plug_in()
            assert changes(events, CaptureChange.RECOVERED) == [CaptureChange.RECOVERED]
            sound.play(audio.join(voice("3-awb/1.opus"), audio.silence(1.5)))
            assert any(isinstance(told.event, AttemptDecided) and told.event.decision.final for told in events)
            held.append(process.held())
    *_, processes = held[0]
    assert processes == 1
    assert held[1:] == [held[0]] * (ROUNDS - 1)
    assert client.captures()[0].counters.reopened == ROUNDS


def command(pid: int) -> str:
    """Return what a process runs; nothing if it has ended, be it that nobody has taken notice yet."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


def test_a_daemon_that_is_killed_leaves_no_recorder(daemon: tuple[DaemonProcess, Client]) -> None:
    process, client = daemon
    until_listening(client)
    [recorder] = process.children()
    assert "daemon.capture.recorder" in command(recorder)
    process.kill()
    while command(recorder):
        time.sleep(0.05)


def test_a_microphone_that_is_never_plugged_in_again_has_failed(sound: SoundServer) -> None:
    with listening(sound, "captures: {door: {retry_seconds: 0.1, max_retry_seconds: 0.5, give_up_seconds: 2.0}}") as (_, client):
        until_listening(client)
        with closing(client.subscribe(SubscribeConfig(captures=["door"]))) as events:
            sound.unplug()
            assert changes(events, CaptureChange.FAILED)[-2:] == [CaptureChange.LOST, CaptureChange.FAILED]
        assert client.captures()[0].state is CaptureState.FAILED
        sound.plug_in()
        assert until_listening(client).problem == ""


def test_a_sound_server_that_hangs_is_a_stall(sound: SoundServer, daemon: tuple[DaemonProcess, Client]) -> None:
    _, client = daemon
    until_listening(client)
    with closing(client.subscribe(SubscribeConfig(captures=["door"]))) as events:
        sound.freeze()
        try:
            assert changes(events, CaptureChange.STALLED)[-1] is CaptureChange.STALLED
        finally:
            sound.thaw()
        assert changes(events, CaptureChange.RECOVERED) == [CaptureChange.RECOVERED]
    assert client.captures()[0].counters.stalls == 1


def test_a_daemon_that_is_too_slow_says_that_it_lost_audio(daemon: tuple[DaemonProcess, Client]) -> None:
    process, client = daemon
    until_listening(client)
    with closing(client.subscribe(SubscribeConfig(captures=["door"]))) as events:
        next(events)
        process.signal(signal.SIGSTOP)
        time.sleep(5.0)
        process.signal(signal.SIGCONT)
        assert changes(events, CaptureChange.OVERRUN)[-1] is CaptureChange.OVERRUN
    [capture] = client.captures()
    assert (capture.state, capture.counters.overruns) == (CaptureState.LISTENING, 1)


def test_silence_and_clipping_are_told(sound: SoundServer, daemon: tuple[DaemonProcess, Client]) -> None:
    _, client = daemon
    with closing(client.subscribe(SubscribeConfig(captures=["door"]))) as events:
        until_listening(client)
        changes(events, CaptureChange.SILENCE_STARTED)
        sound.play(np.sign(audio.voice(0, 3.0)).astype(np.float32))
        told = changes(events, CaptureChange.CLIPPING_ENDED)
    assert CaptureChange.SILENCE_ENDED in told
    assert CaptureChange.CLIPPING_STARTED in told
    assert client.captures()[0].counters.clipped_samples > SAMPLE_RATE
