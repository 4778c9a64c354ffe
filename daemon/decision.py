"""From scores and evidence to a typed decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from daemon.config import DecisionConfig
from daemon.events import Candidate, Decision, Evidence, Outcome, Reason
from daemon.speakers import Speaker, unit
from models.encoder import Embedding
from models.features import SAMPLE_RATE

DEFAULT_CANDIDATES: Final = 5
"""A decision names at most so many speakers, unless asked for another number."""


class Decider:
    """Decides whose voice it is, if anyone's, among some enrolled speakers.

    While audio may follow, an acceptance needs `accept_speech_seconds` and a rejection `reject_speech_seconds` of speech; at the end
    of the audio both need `min_speech_seconds`. What lies between stays undecided: it is never a silent rejection. So does everything
    if there are no speakers.
    """

    def __init__(self, speakers: Sequence[Speaker], config: DecisionConfig, candidates: int = DEFAULT_CANDIDATES) -> None:
        ranked = sorted(speakers, key=lambda speaker: speaker.name)
        self._names = [speaker.name for speaker in ranked]
        self._voiceprints = np.array([speaker.voiceprint for speaker in ranked], dtype=np.float64)
        self._config = config
        self._most = candidates

    def decide(self, embedding: Embedding | None, evidence: Evidence, at: int, *, ended: bool) -> Decision:
        """Judge the running embedding, None if there is none yet. `ended`: no audio follows, and the decision is final."""
        best = () if embedding is None else self._best(embedding)
        outcome, reason = self._judge([candidate.score for candidate in best], evidence.speech, ended=ended)
        margin = best[0].score - self._config.accept_score if best else 0.0
        return Decision(at, outcome, ended, reason, evidence, best[: self._most], margin_accept=margin)

    def _best(self, embedding: Embedding) -> tuple[Candidate, ...]:
        """Return the best speakers: as many as a decision names, but two, if there are, to see how close they are."""
        if not self._names:
            return ()
        scores = self._voiceprints @ unit(embedding)
        best = np.argsort(-scores, kind="stable")[: max(self._most, 2)]
        return tuple(Candidate(self._names[index], float(scores[index])) for index in best)

    def _judge(self, scores: list[float], speech: int, *, ended: bool) -> tuple[Outcome, Reason]:
        """Judge scores, best first."""
        if not self._names:
            return Outcome.UNDECIDED, Reason.NO_SPEAKERS_ENROLLED
        if not speech:
            return Outcome.UNDECIDED, Reason.NO_SPEECH
        if not scores:
            return Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH
        outcome, reason = self._judge_scores(scores)
        if speech / SAMPLE_RATE < self._needed_seconds(outcome, ended=ended):
            return Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH
        return outcome, reason

    def _judge_scores(self, scores: list[float]) -> tuple[Outcome, Reason]:
        config = self._config
        if scores[0] >= config.accept_score:
            if len(scores) > 1 and scores[0] - scores[1] < config.ambiguous_margin:
                return Outcome.AMBIGUOUS, Reason.SPEAKERS_TOO_CLOSE
            return Outcome.ACCEPT, Reason.LLR_ABOVE_BOUNDARY
        if scores[0] < config.reject_score:
            return Outcome.REJECT, Reason.LLR_BELOW_BOUNDARY
        return Outcome.UNDECIDED, Reason.LLR_BETWEEN_BOUNDARIES

    def _needed_seconds(self, outcome: Outcome, *, ended: bool) -> float:
        config = self._config
        if ended:
            return config.min_speech_seconds
        return config.reject_speech_seconds if outcome is Outcome.REJECT else config.accept_speech_seconds
