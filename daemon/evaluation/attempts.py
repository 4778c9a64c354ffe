"""What becomes of attempts, as arrays: who claimed to be whom, what was decided, and after how much speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.events import Decision, Outcome, Reason
from models.evaluate.trials import CorpusTrials
from models.features import SAMPLE_RATE

OUTCOMES: Final = tuple(Outcome)
REASONS: Final = tuple(Reason)

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Ended:
    """How some attempts ended: positions in `OUTCOMES` and `REASONS`, net seconds of speech by then, and the best speaker's position.

    All (attempts,). best: -1 where nobody was scored.
    """

    outcome: NDArray[np.int8]
    reason: NDArray[np.int8]
    seconds: NDArray[np.float32]
    best: NDArray[np.int32]

    @classmethod
    def of(cls, decisions: Sequence[Decision], names: Sequence[str]) -> Ended:
        """Return how attempts ended by their final decisions; `best` is a position in `names`."""
        places = {name: place for place, name in enumerate(names)}
        return cls(
            np.array([OUTCOMES.index(decision.outcome) for decision in decisions], dtype=np.int8),
            np.array([REASONS.index(decision.reason) for decision in decisions], dtype=np.int8),
            np.array([decision.evidence.speech / SAMPLE_RATE for decision in decisions], dtype=np.float32),
            np.array([places[decision.candidates[0].speaker] if decision.candidates else -1 for decision in decisions], dtype=np.int32),
        )

    @classmethod
    def joined(cls, parts: Sequence[Ended]) -> Ended:
        """Return the attempts of all parts, in order."""
        columns = zip(*((part.outcome, part.reason, part.seconds, part.best) for part in (cls.of([], []), *parts)), strict=True)
        outcome, reason, seconds, best = (np.concatenate(column) for column in columns)
        return cls(outcome, reason, seconds, best)

    def where(self, chosen: Bools | NDArray[np.intp]) -> Ended:
        """Return some of the attempts."""
        return Ended(self.outcome[chosen], self.reason[chosen], self.seconds[chosen], self.best[chosen])

    def came_to(self, outcome: Outcome) -> Bools:
        """Return which ended so, (attempts,)."""
        ended: Bools = self.outcome == OUTCOMES.index(outcome)
        return ended


class Tried(NamedTuple):
    """How the attempts of one recording ended: at each speaker alone, and at everybody as `daemon.evaluation.replay.Decisions` says."""

    claims: Ended
    known: Ended | None
    unknown: Ended | None


@dataclass(frozen=True)
class CorpusAttempts:
    """The attempts of a corpus.

    trials: with those alone whose claimed speaker could be enrolled. claimed: one attempt per trial. known: attempts of the tests of
    enrolled speakers at everybody enrolled; `known_speaker`, who spoke, and `known_place`, their place among the enrolled. unknown:
    attempts at everybody enrolled but who spoke; `unknown_speaker`, who did.
    """

    trials: CorpusTrials
    claimed: Ended
    known: Ended
    known_speaker: NDArray[np.intp]
    known_place: NDArray[np.intp]
    unknown: Ended
    unknown_speaker: NDArray[np.intp]
