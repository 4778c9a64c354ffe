"""What the screen advises: how to begin, what is wrong with the sound, how an enrollment goes."""

from __future__ import annotations

from typing import Final

from clients.capture_messages import CaptureState
from clients.live.model import Enrolling, State

SENTENCES: Final = (
    "When the sunlight strikes raindrops in the air, they act as a prism and form",
    "a rainbow. People look, but no one ever finds the pot of gold at its end.",
)
"""To read aloud: about eight seconds of speech."""

WAIT_SECONDS: Final = 5.0
"""Who is to be enrolled has so long to begin."""
NOISY_DB: Final = 12.0
CLIPPED: Final = 0.01
QUIET_DBFS: Final = -35.0
SETTLED_SECONDS: Final = 1.0
"""Before so much speech, its bandwidth is a guess."""
MUFFLED_HERTZ: Final = 3600.0
"""A telephone carries no more."""


def alarm(state: State) -> str:
    """Return what keeps the daemon from hearing well, and what to do; empty if nothing does."""
    if state.error is not None:
        return str(state.error) if state.ended else f"{state.error}. Trying again ..."
    if state.ended:
        return "The recording is over."
    capture = state.capture
    if capture is not None and capture.state is not CaptureState.LISTENING:
        return capture.problem or f"{capture.name} does not listen: `speakerctl start {capture.name}` starts it."
    if state.silent and not state.source.recorded:
        return "Nothing but zeros: is the microphone muted?"
    if state.clipping:
        return "Too loud: move away from the microphone, or turn its gain down."
    return ""


def advice(state: State) -> tuple[str, ...]:
    """Return the lines that say what to do next."""
    if not state.speakers:
        return ("Nobody is enrolled yet. Press e, type a name,", "and speak for some five seconds: that is all it needs.")
    if state.verdict is None and state.speaking is None and not state.ended:
        return ("Say something: anyone may, and you see whose voice it is.",)
    return ()


def quality(enrolling: Enrolling, at: float) -> str:
    """Return what to do better while being enrolled. at: position in the audio, in seconds."""
    progress = enrolling.progress
    if progress is None:
        return "one moment ..."
    if progress.speech == 0.0:
        return "nobody is heard: speak up" if at - enrolling.began > WAIT_SECONDS else "speak now"
    evidence = progress.evidence
    if evidence.clipped_fraction > CLIPPED:
        return "too loud: move away from the microphone"
    if enrolling.peak is not None and enrolling.peak < QUIET_DBFS:
        return "too quiet: come closer, or speak up"
    if evidence.snr_db < NOISY_DB:
        return "noisy: come closer to the microphone"
    if progress.speech > SETTLED_SECONDS and evidence.bandwidth_hertz < MUFFLED_HERTZ:
        return "muffled, as over a telephone: uncover the microphone"
    return "good: pause now" if progress.needed == 0.0 else "good: go on"
