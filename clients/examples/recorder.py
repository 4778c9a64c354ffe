"""A recorder: enrolls whoever wears the headset, sentence by sentence, and then tries whether they are recognised.

    python -m clients.examples.recorder ada --capture headset

The headset is a microphone of the daemon, which its settings name (`speakerctl devices` lists what there is):

    captures: {headset: {device: "USB Headset", autostart: false}}

A feed will do as well, such as a satellite. Nothing is recorded: the daemon keeps a voiceprint and no audio. Nothing at all is kept unless
there is enough speech and it passes the daemon's checks. The exit status is 0 if the speaker was enrolled and recognised.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from clients.acceptance import wait_for_accept
from clients.address import unix_address
from clients.capture_messages import Capture, CaptureState
from clients.client import Client
from clients.errors import ClientError
from clients.live.hints import CLIPPED, MUFFLED_HERTZ, NOISY_DB, SENTENCES, SETTLED_SECONDS
from clients.messages import EnrollConfig, Enrolled, EnrollmentProgress, EnrollMode, Evidence
from clients.words import similar

OPEN_SECONDS: Final = 10.0
"""A headset that does not deliver audio by then does not work."""
POLL_SECONDS: Final = 0.2
BAR: Final = 20
"""Characters."""


@contextmanager
def listening(client: Client, name: str) -> Iterator[None]:
    """Let the daemon listen to a capture during the block; leave it as it was found."""
    capture = _find(client, name)
    stopped = capture.state is CaptureState.STOPPED
    try:
        if stopped:
            capture = client.start_capture(name)
        _await_audio(client, capture)
        yield
    finally:
        if stopped:
            client.stop_capture(name)


def _find(client: Client, name: str) -> Capture:
    captures = {capture.name: capture for capture in client.captures()}
    if name not in captures:
        known = f"it has: {', '.join(captures)}" if captures else "name it in the daemon's settings, under `captures`"
        raise click.ClickException(f"the daemon has no capture {name!r}; {known}")
    return captures[name]


def _await_audio(client: Client, capture: Capture) -> None:
    deadline = time.monotonic() + OPEN_SECONDS
    while capture.state is not CaptureState.LISTENING:
        if capture.state is CaptureState.FAILED or time.monotonic() > deadline:
            raise click.ClickException(f"{capture.name} is not heard: {capture.problem or 'see whether it is plugged in'}")
        time.sleep(POLL_SECONDS)
        capture = _find(client, capture.name)


def enroll(client: Client, capture: str, config: EnrollConfig) -> Enrolled:
    """Enroll whoever speaks next; tell how it goes. Raises what the client does; nothing is stored then."""
    goal, shown = 0.0, ""
    for event in client.enroll_from_capture(capture, config):
        if isinstance(event, Enrolled):
            return event
        goal = goal or event.speech + event.needed
        if (line := _progress(event, goal)) != shown:
            click.echo(line)
            shown = line
    raise click.ClickException("the daemon ended without a result: its log tells why")


def _progress(progress: EnrollmentProgress, goal: float) -> str:
    """Return a line about what was heard; it changes with every second of speech, and with what is to be done better."""
    seconds = int(progress.speech)
    filled = min(BAR, int(BAR * seconds / goal)) if progress.needed else BAR
    return f"  [{'#' * filled:{BAR}}] {seconds} s  {hint(progress)}"


def hint(progress: EnrollmentProgress) -> str:
    """Return what to do better."""
    if progress.speech == 0:
        return "speak now"
    if problem := flaw(progress.evidence):
        return problem
    return "good: pause now" if progress.needed == 0 else "good: go on"


def flaw(evidence: Evidence) -> str:
    """Return what is wrong with a recording, and what to do; empty if nothing is."""
    if evidence.clipped_fraction > CLIPPED:
        return "too loud: move the microphone away from your mouth"
    if evidence.speech > 0 and evidence.snr_db < NOISY_DB:
        return "noisy: move the microphone nearer to your mouth"
    if evidence.speech > SETTLED_SECONDS and evidence.bandwidth_hertz < MUFFLED_HERTZ:
        return "muffled, as over a telephone: many headsets are while they play; use its other profile, or a cable"
    return ""


def _report(enrolled: Enrolled) -> None:
    speaker = enrolled.speaker
    click.echo(f"{speaker.name} is enrolled: {speaker.speech:.1f} s of speech.")
    for number, quality in enumerate(enrolled.recordings, 1):
        evidence = quality.evidence
        problem = flaw(evidence) or quality.advice or "good"
        click.echo(f"  recording {number}: {evidence.speech:.1f} s, {evidence.snr_db:.0f} dB above the noise  {problem}")
    for voice in enrolled.similar_voices:
        click.echo(f"  close to {similar(voice)}")


@click.command()
@click.argument("name")
@click.option("--capture", required=True, help="The headset, as the daemon's settings call it.")
@click.option("--replace", "mode", flag_value=EnrollMode.REPLACE, help="Forget what is enrolled under the name.")
@click.option("--add", "mode", flag_value=EnrollMode.ADD, help="Add to what is enrolled under the name.")
@click.option(
    "--check", type=click.FloatRange(0), default=30.0, show_default=True, help="Seconds to be recognised in afterwards; 0: do not try."
)
@click.option("--socket", type=click.Path(path_type=Path), help="The daemon's unix socket, if it is not the default one.")
def main(name: str, capture: str, mode: EnrollMode | None, check: float, socket: Path | None) -> None:
    """Enroll whoever wears the headset as NAME."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stored = False
    try:
        with Client(unix_address(socket)) as client, listening(client, capture):
            click.echo("\n".join(["Read aloud, with a pause after each sentence; go on with whatever you like:", "", *SENTENCES, ""]))
            enrolled = enroll(client, capture, EnrollConfig(name, mode or EnrollMode.CREATE))
            stored = True
            _report(enrolled)
            if check and not _is_recognised(client, enrolled.speaker.name, capture, check):
                raise click.ClickException(f"{name} was not recognised within {check:g} s: `--add` more speech, as it sounds here")
    except KeyboardInterrupt:
        raise click.ClickException("ended" if stored else "given up: nothing is stored") from None
    except ClientError as error:
        raise click.ClickException(str(error) if stored else f"{error}. Nothing is stored.") from error


def _is_recognised(client: Client, name: str, capture: str, seconds: float) -> bool:
    click.echo("Now say something else ...")
    event = wait_for_accept(client, name, seconds, [capture])
    if event is not None:
        click.echo(f"{name} is recognised.")
    return event is not None


if __name__ == "__main__":
    main()
