"""What the live screen can listen to: a capture of the daemon, recordings, or a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from clients.audio import Audio, paced
from clients.capture_messages import Capture, CaptureState, FeedConfig, SubscribeConfig
from clients.client import Client
from clients.errors import CaptureNotFoundError
from clients.files import open_audio
from clients.subscription import Subscription, SubscriptionEvent

PAUSE_SECONDS: Final = 1.5
"""Between two recordings, so that what is said in one is not taken to go on in the next."""
_RATE: Final = 16_000
_NO_CAPTURES: Final = (
    "the daemon listens to no microphone: name one under `captures` in its config.yaml, or add --private for a temporary daemon"
)

Events = Iterator[SubscriptionEvent]


@contextmanager
def microphone(client: Client, name: str | None) -> Iterator[tuple[str, Events]]:
    """Yield the name of a capture and what it hears, until the block ends. name: None for the only one, or the first that listens.

    A capture that does not listen is started, and stopped again at the end. Raises `CaptureNotFoundError`.
    """
    capture = _chosen(client.captures(), name)
    began = capture.state in {CaptureState.STOPPED, CaptureState.FAILED}
    if began:
        client.start_capture(capture.name)
    try:
        with Subscription(client, SubscribeConfig(captures=[capture.name], levels=True)) as events:
            yield capture.name, events
    finally:
        if began:
            client.stop_capture(capture.name)


@contextmanager
def feed(client: Client, name: str, audio: Audio) -> Iterator[Events]:
    """Yield what a capture hears that is fed with `audio` at the speed of speech, until the block ends.

    Its first event raises `CaptureExistsError` if the name is taken.
    """
    with closing(client.feed(FeedConfig(name, levels=True), paced(audio))) as events:
        yield events


def recordings(files: Sequence[Path]) -> Audio:
    """Return recordings one after the other, with a pause between two. Raises `AudioFileError` if one of them cannot be read."""
    if len(files) == 1:
        return open_audio(files[0])
    opened = [open_audio(file, _RATE) for file in files]
    return Audio(opened[0].format, _in_turn(opened))


def _in_turn(opened: Sequence[Audio]) -> Iterator[bytes]:
    for number, audio in enumerate(opened):
        if number:
            yield bytes(audio.format.encoding.width * round(_RATE * PAUSE_SECONDS))
        yield from audio.chunks


def _chosen(captures: Sequence[Capture], name: str | None) -> Capture:
    if name is not None:
        found = [capture for capture in captures if capture.name == name]
    else:
        found = sorted(captures, key=lambda capture: capture.state is not CaptureState.LISTENING)
    if not found:
        known = ", ".join(capture.name for capture in captures)
        raise CaptureNotFoundError(f"the daemon has no capture called {name!r}; it has: {known}" if known else _NO_CAPTURES)
    return found[0]
