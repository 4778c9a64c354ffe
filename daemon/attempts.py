"""An attempt that goes on: what was said in it, and, once somebody was accepted, what they say now."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from daemon.events import Evidence, Reason
from daemon.listener import STEP_FRAMES, Encode, Utterance
from daemon.sliding import SlidingView
from daemon.vad import Passage
from models.encoder import Embedding, State, Step
from models.features import HOP_SAMPLES, SAMPLE_RATE, Frames

STEP: Final = STEP_FRAMES * HOP_SAMPLES
"""Samples of speech from one step of the encoder to the next."""


class Phase(Enum):
    """How far an attempt has come."""

    OPEN = auto()
    """Who speaks is to be found out."""
    FOLLOWED = auto()
    """Somebody was accepted, and speaks on."""
    CHANGED = auto()
    """Someone else speaks now."""
    HANDED_OVER = auto()
    """It is another of the speakers."""
    OVER = auto()


class Attempt:
    """Someone speaks. State only: `daemon.watch` and `daemon.following` judge it.

    While it is open, `embedding` and `evidence` are of all that was said in it, afterwards of the latest `view_seconds` of speech alone.
    """

    def __init__(self, number: int, utterance: Utterance, view_seconds: float) -> None:
        self.number = number
        self.utterance = utterance
        self.phase = Phase.OPEN
        self.speaker = ""
        """Who was accepted."""
        self.to_judge = False
        """There was a step since the last judgement."""
        self.ended: Reason | None = None
        """Why there is no more to come."""
        self.voiced_until = 0
        self.told_after = 0
        """How much had been said when something was last told, in samples."""
        self.accepted_after = 0
        """How much had been said when the speaker was last accepted, in samples."""
        self.strange_from = 0
        """Since when the voice is not that of the speaker."""
        self._strange = 0
        self._steps: deque[Frames] = deque()
        self._asked: State = ()
        length = max(1, round(view_seconds * SAMPLE_RATE / STEP))
        self._view = SlidingView(length)
        self._heard = deque([Evidence()], maxlen=length + 1)

    @property
    def embedding(self) -> Embedding | None:
        """Of what is judged, (192,); None before the first step."""
        return self.utterance.embedding

    @property
    def evidence(self) -> Evidence:
        """Of what is judged."""
        return self.utterance.evidence if self.phase is Phase.OPEN else since(self._heard[0], self._heard[-1])

    @property
    def view_full(self) -> bool:
        """Whether as much was said as can be viewed."""
        return self._view.full

    def follow(self, speaker: str, number: int) -> None:
        """Follow who was accepted, in attempt `number`."""
        self.phase, self.speaker, self.number = Phase.FOLLOWED, speaker, number
        self.told_after = self.accepted_after = self.utterance.passed
        self._strange = 0

    def strays(self, at: int, *, strange: bool) -> int:
        """Note whether the voice is strange at `at`; return for how many steps it has been."""
        if strange and not self._strange:
            self.strange_from = at
        self._strange = self._strange + 1 if strange else 0
        return self._strange

    def take(self, passage: Passage) -> None:
        """Hear what the gate makes of the next hop."""
        if passage.started is not None:
            self.utterance.begin_segment()
        if passage.passed:
            self._steps.extend(self.utterance.speak(passage.passed))
        if passage.hop.voiced:
            self.voiced_until = passage.hop.end

    def step(self) -> Encode | None:
        """Ask for the next step, once the one before is done; None: there is none yet."""
        if not self._steps:
            return None
        asked = self.utterance.step(self._steps.popleft())
        if self.phase is not Phase.OPEN:
            asked = replace(asked, state=self._view.before(asked.state))
        self._asked = asked.state
        return asked

    def encoded(self, step: Step) -> None:
        """Take the step that was asked for."""
        self.utterance.encoded(step)
        self._view.hear(self._asked, step.state)
        self._heard.append(self.utterance.evidence)
        self.to_judge = True


def since(then: Evidence, now: Evidence) -> Evidence:
    """Return the evidence of what was said between two times; SNR and bandwidth are those of all that was said until now."""
    speech = now.speech - then.speech
    if speech <= 0:
        return Evidence()
    return replace(
        now,
        speech=speech,
        clipped=_share(now.clipped * now.speech - then.clipped * then.speech, speech),
        voice=_share(now.voice * now.speech - then.voice * then.speech, speech),
    )


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0)
