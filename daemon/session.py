"""One attempt at verification as a pure state machine: audio in, events out.

No clock, no threads, no device, no network: who drives a session feeds it audio, asks it what is next, and answers its
requests for encoder steps. The events depend on the audio alone, never on how it was cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np

from daemon.config import Config
from daemon.decision import DECIDED, DEFAULT_CANDIDATES, Decider
from daemon.errors import NoSpeakersError
from daemon.events import Decision, Event, Reason
from daemon.hearing.listener import Encode, Listener
from daemon.speakers import Speaker
from models.calibration.calibration import Calibration
from models.encoder import Embedding, Encoder, State, Step
from models.features import SAMPLE_RATE, Waveform

__all__ = ["Encode", "Session", "VerificationSession", "run"]


Told_co = TypeVar("Told_co", covariant=True)


class Session(Protocol[Told_co]):
    """What drives a session, be it verification, enrollment or a watch; what it tells are events of type `Told_co`."""

    def feed(self, samples: Waveform) -> None:
        """Buffer mono samples in [-1, 1] at 16 kHz, shape (n,), n >= 0."""
        ...

    def finish(self) -> None:
        """No more audio."""
        ...

    def poll(self) -> Encode | Told_co | None:
        """Return what to do next, in stream order.

        An `Encode` asks for an encoder step: call `encoded` with it before the next poll. An event is to be delivered. None: more
        audio is needed, or `finish`, or the session is over.
        """
        ...

    def encoded(self, step: Step) -> None:
        """Take the encoder step that the last `Encode` asked for."""
        ...


def run(session: Session[Told_co], encoder: Encoder) -> Iterator[Told_co]:
    """Poll `session` until it has nothing more to do, with `encoder` doing its steps; yield the events."""
    while (due := session.poll()) is not None:
        if isinstance(due, Encode):
            session.encoded(encoder.step(due.frames[np.newaxis], due.state))
        else:
            yield due


class VerificationSession(Session[Event]):
    """Tells whether a voice is that of one of `speakers`; see `Session` for how to drive it.

    Events are SpeechStarted, SpeechEnded and Decision. The last is a final Decision: as soon as the evidence accepts or rejects, after
    `decision.speech_seconds` of speech, after `decision.pause_seconds` without any, or at the end of the audio; with `wait_for_end` only
    then. After it, what is fed is ignored.
    With `interim`, decisions that are not final come every `decision.interim_seconds` of audio that passed the speech gate. A decision
    names the best `candidates`. calibration: of the encoder's model.
    """

    def __init__(  # noqa: PLR0913 - those by name are switches
        self,
        encoder_start: State,
        speakers: Sequence[Speaker],
        config: Config,
        calibration: Calibration,
        *,
        interim: bool,
        wait_for_end: bool,
        candidates: int = DEFAULT_CANDIDATES,
    ) -> None:
        """Raises `NoSpeakersError` if `speakers` is empty."""
        if not speakers:
            raise NoSpeakersError("nobody is enrolled: enroll a speaker first")
        self._listener = Listener(encoder_start, config.vad, None if wait_for_end else config.decision.pause_seconds)
        self._config = config.decision
        self._calibration = calibration
        self._budget = round(config.decision.speech_seconds * SAMPLE_RATE)
        self._candidates = candidates
        self.set_speakers(speakers)
        self._interim = round(config.decision.interim_seconds * SAMPLE_RATE) if interim else None
        self._interim_after = self._interim or 0
        self._wait_for_end = wait_for_end
        self._finished = False
        self._stepped = False
        self.done = False
        """A final Decision was delivered."""
        self.decision: Decision | None = None
        """The final one."""

    @property
    def embedding(self) -> Embedding | None:
        """What the latest decision rests on, (192,); None before the first step."""
        return self._listener.embedding

    def feed(self, samples: Waveform) -> None:
        """Buffer mono samples in [-1, 1] at 16 kHz, shape (n,), n >= 0."""
        if not self.done:
            self._listener.feed(samples)

    def finish(self) -> None:
        """No more audio: the final Decision follows."""
        self._finished = True
        self._listener.finish()

    def set_speakers(self, speakers: Sequence[Speaker]) -> None:
        """Tell apart these speakers from now on: who is no longer enrolled is not accepted. There may be none."""
        self._decider = Decider(speakers, self._config, self._calibration, self._candidates)

    def poll(self) -> Encode | Event | None:
        """Return what to do next, as `Session.poll` says."""
        if self.done:
            return None
        if self._stepped and (decision := self._after_step()):
            return decision
        due = self._listener.poll()
        if due is None and self._listener.paused:
            return self._decide(Reason.SPEECH_PAUSED)
        return self._decide(Reason.AUDIO_ENDED) if due is None and self._finished else due

    def encoded(self, step: Step) -> None:
        """Take the encoder step that the last `Encode` asked for."""
        self._listener.encoded(step)
        self._stepped = True

    def _after_step(self) -> Decision | None:
        self._stepped = False
        spent = not self._wait_for_end and self._listener.evidence.speech >= self._budget
        decision = self._decide(Reason.SPEECH_BUDGET_SPENT if spent else None)
        return decision if decision.final or self._interim_due() else None

    def _decide(self, ended: Reason | None) -> Decision:
        listener = self._listener
        decision = self._decider.decide(listener.embedding, listener.evidence, listener.at, ended=ended)
        if not self._wait_for_end and decision.outcome in DECIDED:
            decision = replace(decision, final=True)
        self.done = decision.final
        self.decision = decision if decision.final else None
        return decision

    def _interim_due(self) -> bool:
        if self._interim is None or self._listener.passed < self._interim_after:
            return False
        self._interim_after = self._listener.passed + self._interim
        return True
