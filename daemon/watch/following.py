"""Follows who was accepted while they speak on, and notices when someone else does: a state machine over the latest speech.

FOLLOWED ──▶ CHANGED ──▶ HANDED_OVER ──▶ FOLLOWED: another speaker, in another attempt
    │           │             │
    └───────────┴─────────────┴────────▶ OVER: nobody is accepted any more
"""

from __future__ import annotations

from dataclasses import replace

from daemon.config import Config
from daemon.decision import Decider
from daemon.events import (
    AttemptDecided,
    AttemptEvent,
    AttemptFollowed,
    AttemptStarted,
    Decision,
    Locked,
    Outcome,
    Reason,
    SpeakerChanged,
)
from daemon.watch.attempts import Attempt, Phase
from models.calibration.views import HOLD
from models.features import SAMPLE_RATE


class Follower:
    """Judges followed attempts whenever there may be something to tell. It has no state: the attempts do.

    change_at: log-likelihood ratio of the followed speaker in the latest `attempts.view_seconds` of speech below which someone else talks.
    So they do where another speaker would be accepted by it. Either must stay so for `HOLD` steps of the encoder.
    """

    def __init__(self, config: Config, change_at: float) -> None:
        self._change_at = change_at
        self._interim = round(config.decision.interim_seconds * SAMPLE_RATE)
        self._renewal = round(config.attempts.view_seconds * SAMPLE_RATE)

    def judge(self, attempt: Attempt, decider: Decider, at: int) -> AttemptEvent | None:
        """Return what is to be told of a followed attempt after `at` samples; None: nothing, until more was heard of it.

        It counts who is among the speakers when it is asked.
        """
        match attempt.phase:
            case Phase.CHANGED:
                return self._leave(attempt, decider, at)
            case Phase.HANDED_OVER:
                return self._hand_over(attempt, decider, at)
            case _:
                return self._follow(attempt, decider, at)

    def _follow(self, attempt: Attempt, decider: Decider, at: int) -> AttemptEvent | None:
        if not decider.knows(attempt.speaker):
            return _lock(attempt, at, Reason.SPEAKER_DELETED)
        if attempt.to_judge and (told := self._look(attempt, decider, at)):
            return told
        return _lock(attempt, at, Reason.VOICE_LOST) if attempt.ended else None

    def _look(self, attempt: Attempt, decider: Decider, at: int) -> AttemptEvent | None:
        attempt.to_judge = False
        evidence = attempt.evidence
        decision = decider.decide(attempt.embedding, evidence, at)
        if attempt.view_full and decision.reason is Reason.NOT_A_VOICE:
            return _lock(attempt, at, Reason.VOICE_LOST)
        ratio = decider.ratio(attempt.speaker, attempt.embedding, evidence) if attempt.view_full else None
        if ratio is not None and attempt.strays(at, strange=self._is_strange(ratio, attempt.speaker, decision)) >= HOLD:
            attempt.phase = Phase.CHANGED
            return SpeakerChanged(at, attempt.number, attempt.speaker, ratio, evidence)
        return self._tell(attempt, decision)

    def _is_strange(self, ratio: float, speaker: str, decision: Decision) -> bool:
        """Tell whether someone else is heard: nobody could take them for the speaker, or another of the speakers would be accepted."""
        return ratio < self._change_at or _accepted(decision) not in {"", speaker}

    def _tell(self, attempt: Attempt, decision: Decision) -> AttemptFollowed | None:
        said = attempt.utterance.passed
        if _accepted(decision) == attempt.speaker and said >= attempt.accepted_after + self._renewal:
            attempt.accepted_after, decision = said, replace(decision, final=True)
        elif said < attempt.told_after + self._interim:
            return None
        attempt.told_after = said
        return AttemptFollowed(decision.at, attempt.number, decision)

    @staticmethod
    def _leave(attempt: Attempt, decider: Decider, at: int) -> AttemptEvent:
        """Someone else speaks: one of the speakers, who is heard well enough already, or nobody knows who."""
        if _accepted(decider.decide(attempt.embedding, attempt.evidence, at)) in {"", attempt.speaker}:
            return _lock(attempt, at, Reason.SPEAKER_CHANGED)
        attempt.phase = Phase.HANDED_OVER
        return AttemptStarted(at, attempt.number + 1, attempt.strange_from)

    @staticmethod
    def _hand_over(attempt: Attempt, decider: Decider, at: int) -> AttemptEvent:
        decision = decider.decide(attempt.embedding, attempt.evidence, at, ended=Reason.SPEAKER_CHANGED)
        decided = AttemptDecided(at, attempt.number + 1, decision)
        if (speaker := _accepted(decision)) == "":
            # They were deleted a moment ago.
            attempt.phase, attempt.ended = Phase.FOLLOWED, Reason.SPEAKER_CHANGED
        else:
            attempt.follow(speaker, attempt.number + 1)
        return decided


def _accepted(decision: Decision) -> str:
    """Return who would be accepted; empty if nobody would."""
    return decision.candidates[0].speaker if decision.outcome is Outcome.ACCEPT else ""


def _lock(attempt: Attempt, at: int, reason: Reason) -> Locked:
    attempt.phase = Phase.OVER
    return Locked(at, attempt.number, attempt.speaker, reason)
