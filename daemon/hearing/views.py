"""The latest speech of a stream, without its pauses: what to compare with a voice to tell whether it is still that which speaks."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

from daemon.events import Evidence
from daemon.hearing.listener import STEP_FRAMES, Encode
from daemon.hearing.sliding import SlidingView
from models.encoder import Step
from models.features import HOP_SAMPLES, SAMPLE_RATE

STEP: Final = STEP_FRAMES * HOP_SAMPLES
"""Samples of speech from one step of the encoder to the next."""
LEAST_VOICED: Final = STEP_FRAMES // 2
"""Steps with fewer voiced frames are pauses. Between two sentences there may be as much pause as speech, and it tells no voices apart."""
MEMORY: Final = 1500.0
"""Frames of the past that the running means of the encoder weigh at most.

After half a minute of one voice they make another no harder to notice, rather easier, and tell who it is a little worse. It stays so
after hours.
"""


class SpeechView:
    """The latest `seconds` of speech of one stream.

    Ask the encoder for what `asked` makes of each step that is due, then `hear` the step: unless that is a pause, its embedding is that of
    the view. Steps that were not asked for so, and are of everything that was said, may be heard as well: they become part of the view.
    """

    def __init__(self, seconds: float) -> None:
        steps = max(1, round(seconds * SAMPLE_RATE / STEP))
        self._sliding = SlidingView(steps, MEMORY)
        self._heard = deque([Evidence()], maxlen=steps + 1)

    @property
    def full(self) -> bool:
        """Whether there are as many seconds."""
        return self._sliding.full

    @property
    def evidence(self) -> Evidence:
        """Of what is in view; SNR and bandwidth are those of all that was said until now."""
        return since(self._heard[0], self._heard[-1])

    def asked(self, due: Encode) -> Encode:
        """Return what to ask the encoder for."""
        return replace(due, state=self._sliding.before(due.state))

    def hear(self, asked: Encode, step: Step, evidence: Evidence) -> bool:
        """Take a step as it was asked for, and the evidence of all that was said; return False for a pause, which is not viewed."""
        if asked.voiced < LEAST_VOICED:
            return False
        self._sliding.hear(asked.state, step.state)
        self._heard.append(evidence)
        return True


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
