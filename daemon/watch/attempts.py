"""An attempt that goes on: what was said in it, and, once somebody was accepted, what they say now."""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from daemon.events import Evidence, Reason
from daemon.hearing.listener import Chunk, Encode, Utterance
from daemon.hearing.vad import Passage
from daemon.hearing.views import SpeechView
from models.encoder import Embedding, Step


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
    """Someone speaks. State only: `daemon.watch.session` and `daemon.watch.following` judge it.

    While it is open, `embedding` and `evidence` are of all that was said in it, afterwards of the latest `view_seconds` of speech alone.
    """

    def __init__(self, number: int, utterance: Utterance, view_seconds: float) -> None:
        self.number = number
        self.utterance = utterance
        self.phase = Phase.OPEN
        self.speaker = ""
        """Who was accepted."""
        self.to_judge = False
        """There was a step since the last judgement; of who is followed, one that is no pause."""
        self.ended: Reason | None = None
        """Why there is no more to come."""
        self.told_after = 0
        """How much had been said when something was last told, in samples."""
        self.accepted_after = 0
        """How much had been said when the speaker was last accepted, in samples."""
        self.strange_from = 0
        """Since when the voice is not that of the speaker."""
        self._strange = 0
        self._steps: deque[Chunk] = deque()
        self._asked: Encode | None = None
        self._view = SpeechView(view_seconds)

    @property
    def embedding(self) -> Embedding | None:
        """Of what is judged, (192,); None before the first step."""
        return self.utterance.embedding

    @property
    def evidence(self) -> Evidence:
        """Of what is judged."""
        return self.utterance.evidence if self.phase is Phase.OPEN else self._view.evidence

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

    def step(self) -> Encode | None:
        """Ask for the next step, once the one before is done; None: there is none yet."""
        if not self._steps:
            return None
        asked = self.utterance.step(self._steps.popleft())
        if self.phase is not Phase.OPEN:
            asked = self._view.asked(asked)
        self._asked = asked
        return asked

    def encoded(self, step: Step) -> None:
        """Take the step that was asked for."""
        self.utterance.encoded(step)
        viewed = self._asked is not None and self._view.hear(self._asked, step, self.utterance.evidence)
        self.to_judge = viewed or self.phase is Phase.OPEN
