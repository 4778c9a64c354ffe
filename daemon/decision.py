"""From scores and evidence to a typed decision.

What is compared is the log-likelihood ratio of a score, which `models.calibration` knows; the boundaries keep the rates of false accepts
and false rejects of whole attempts, however often they are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.config import DecisionConfig
from daemon.events import Candidate, Decision, Evidence, Outcome, Reason
from daemon.speakers import Speaker
from models.calibration.boundary import Pair
from models.calibration.calibration import Calibration
from models.calibration.cohort import unit
from models.calibration.quality import Quality
from models.encoder import Embedding
from models.features import SAMPLE_RATE

DEFAULT_CANDIDATES: Final = 5
"""A decision names at most so many speakers, unless asked for another number."""
DECIDED: Final = frozenset({Outcome.ACCEPT, Outcome.REJECT})
"""Outcomes that end an attempt, unless somebody waits for its end."""

Ratios = NDArray[np.float64]


def boundaries(config: DecisionConfig, calibration: Calibration, enrolled: int) -> Pair:
    """Return the boundaries that keep the configured rates per attempt against any of so many voices."""
    return calibration.boundaries.pair(config.false_accept_rate, config.false_reject_rate, max(enrolled, 1))


class Decider:
    """Decides whose voice it is, if anyone's, among some enrolled speakers.

    Nothing is decided before `decision.min_speech_seconds` of speech, nor of what is no voice. The best speaker is accepted from the
    upper boundary on, unless a second one is as likely but for `decision.ambiguous_llr`: then both are named. If all are at the lower
    boundary or below, the voice is rejected. What lies between stays undecided: it is never a silent rejection. So does everything if
    there are no speakers. budget: seconds of speech that an attempt may take.
    """

    def __init__(
        self,
        speakers: Sequence[Speaker],
        config: DecisionConfig,
        calibration: Calibration,
        candidates: int = DEFAULT_CANDIDATES,
        *,
        budget: float | None = None,
    ) -> None:
        ranked = sorted(speakers, key=lambda speaker: speaker.name)
        self._names = [speaker.name for speaker in ranked]
        self._seconds = np.array([speaker.speech / SAMPLE_RATE for speaker in ranked])
        self._recordings = np.array([len(speaker.templates) for speaker in ranked])
        self._config = config
        self._calibration = calibration
        self._enrolled = calibration.enrolled(np.array([speaker.voiceprint for speaker in ranked])) if ranked else None
        self._boundaries = boundaries(config, calibration, len(ranked))
        self._most = candidates
        self._budget = budget or config.speech_seconds

    def keep(self, false_accept_rate: float) -> None:
        """Keep another rate of false accepts per attempt from now on."""
        config = self._config.model_copy(update={"false_accept_rate": false_accept_rate})
        self._boundaries = boundaries(config, self._calibration, len(self._names))

    def decide(self, embedding: Embedding | None, evidence: Evidence, at: int, *, ended: Reason | None = None) -> Decision:
        """Judge the running embedding, None if there is none yet.

        ended: why the attempt ends here, None while more may follow. It makes the decision final, and is the reason of one that is
        between the boundaries.
        """
        scored = self._score(embedding, evidence)
        pair = self._between(evidence)
        outcome, reason = self._judge(scored, evidence, pair)
        if ended and reason is Reason.LLR_BETWEEN_BOUNDARIES:
            reason = ended
        open_ = ended is None and outcome is Outcome.UNDECIDED
        expected = self._expected(scored, evidence, pair) if open_ and scored is not None else None
        named = max(self._most, 2) if outcome is Outcome.AMBIGUOUS else self._most
        return Decision(at, outcome, ended is not None, reason, evidence, *self._told(scored, pair, named), expected)

    def knows(self, speaker: str) -> bool:
        """Return whether somebody of that name is among the speakers."""
        return speaker in self._names

    def ratio(self, speaker: str, embedding: Embedding | None, evidence: Evidence) -> float | None:
        """Return the log-likelihood ratio of one of the speakers; None where nothing can be decided."""
        scored = self._score(embedding, evidence)
        if scored is None or evidence.speech / SAMPLE_RATE < self._config.min_speech_seconds:
            return None
        return float(scored.ratios[self._names.index(speaker)])

    def _score(self, embedding: Embedding | None, evidence: Evidence) -> _Scored | None:
        """Score the embedding with all speakers; None if there is nothing to score, or nobody to score it with."""
        if embedding is None or self._enrolled is None or not evidence.speech or not self._is_voice(evidence):
            return None
        if not np.isfinite(embedding).all():
            return None
        scores = self._calibration.scores(embedding, self._enrolled)
        ratios = self._calibration.llrs(scores, self._quality(evidence))
        best = np.argsort(-ratios, kind="stable")[: max(self._most, 2)]
        return _Scored(self._enrolled.voiceprints @ unit(embedding), scores, ratios, best)

    def _quality(self, evidence: Evidence, of: int | slice = slice(None)) -> Quality:
        speech = evidence.speech / SAMPLE_RATE
        return Quality(speech, evidence.snr, evidence.bandwidth, self._seconds[of], self._recordings[of])

    def _is_voice(self, evidence: Evidence) -> bool:
        return evidence.voice >= self._config.min_voice

    def _judge(self, scored: _Scored | None, evidence: Evidence, pair: Pair) -> tuple[Outcome, Reason]:
        if not self._names:
            return Outcome.UNDECIDED, Reason.NO_SPEAKERS_ENROLLED
        if not evidence.speech:
            return Outcome.UNDECIDED, Reason.NO_SPEECH
        if not self._is_voice(evidence):
            return Outcome.UNDECIDED, Reason.NOT_A_VOICE
        if scored is None or evidence.speech / SAMPLE_RATE < self._config.min_speech_seconds:
            return Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH
        return self._judge_ratios([float(scored.ratios[index]) for index in scored.best], pair)

    def _between(self, evidence: Evidence) -> Pair:
        """Return the boundaries for speech of this quality."""
        leeway = self._calibration.boundaries.leeway.of(evidence.snr, evidence.bandwidth)
        return self._boundaries._replace(reject=self._boundaries.reject - float(leeway))

    def _judge_ratios(self, ratios: list[float], pair: Pair) -> tuple[Outcome, Reason]:
        """Judge log-likelihood ratios, best first."""
        if ratios[0] >= pair.accept:
            if len(ratios) > 1 and ratios[0] - ratios[1] < self._config.ambiguous_llr:
                return Outcome.AMBIGUOUS, Reason.SPEAKERS_TOO_CLOSE
            return Outcome.ACCEPT, Reason.LLR_ABOVE_BOUNDARY
        if ratios[0] <= pair.reject:
            return Outcome.REJECT, Reason.LLR_BELOW_BOUNDARY
        return Outcome.UNDECIDED, Reason.LLR_BETWEEN_BOUNDARIES

    def _expected(self, scored: _Scored, evidence: Evidence, pair: Pair) -> float | None:
        best = int(scored.best[0])
        quality = self._quality(evidence, best)
        further = self._calibration.expected_seconds(float(scored.scores[best]), quality, pair.accept, pair.reject, self._budget)
        missing = self._config.min_speech_seconds - evidence.speech / SAMPLE_RATE
        return None if further is None else max(further, missing)

    def _told(self, scored: _Scored | None, pair: Pair, named: int) -> tuple[tuple[Candidate, ...], float, float, float, float]:
        """Return the candidates, and the LLR, the posterior and both margins of the first."""
        if scored is None:
            return (), 0.0, self._config.prior, 0.0, 0.0
        best = scored.best[:named]
        candidates = tuple(Candidate(self._names[index], float(scored.cosines[index]), float(scored.ratios[index])) for index in best)
        llr = candidates[0].llr
        return candidates, llr, posterior(scored.ratios, int(best[0]), self._config.prior), llr - pair.accept, llr - pair.reject


class _Scored(NamedTuple):
    """Of all speakers: cosines, scores as the calibration makes them, log-likelihood ratios; and the indices of the best, best first."""

    cosines: Ratios
    scores: Ratios
    ratios: Ratios
    best: NDArray[np.intp]


def posterior(ratios: Ratios, which: int, prior: float) -> float:
    """Return how likely it is that the voice is that of one speaker, by the natural log-likelihood ratios of all, (n,).

    prior: that it is one of theirs, each as likely as any other; otherwise it is that of anybody else, whose ratio is 1.
    """
    logs = np.append(ratios + np.log(prior / len(ratios)), np.log1p(-prior))
    shares = np.exp(logs - logs.max())
    return float(shares[which] / shares.sum())
