"""Attempts at many claims by one recording that was heard once, each decided as its own session would decide it.

A session asks its `Decider` after every step of the encoder, and ends with the first acceptance or rejection. What a step leads to
depends on the recording alone, so the steps of `daemon.evaluation.heard` serve all claims. The log-likelihood ratios of all claims and
steps are computed at once; they tell at which steps a ratio is between the boundaries, where the decider can decide nothing and need not be
asked. Every other step, and the end, is decided by the decider itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.config import DecisionConfig
from daemon.decision import DECIDED, Decider, boundaries
from daemon.evaluation.heard import Heard, Look
from daemon.events import Decision, Reason
from daemon.speakers import Speaker
from models.calibration.boundary import Pair
from models.calibration.calibration import Calibration
from models.calibration.quality import Quality
from models.features import SAMPLE_RATE

_DOUBT: Final = 1e-6
"""Ratios so near to a boundary are left to the decider, whose sums may be rounded otherwise."""
_OF_NO_USE: Final = frozenset({Reason.NO_SPEECH, Reason.NOT_ENOUGH_SPEECH, Reason.NOT_A_VOICE})
"""Reasons that do not depend on who is asked for."""

Ratios = NDArray[np.float64]


class Decisions(NamedTuple):
    """How a recording's attempts end.

    claims: at each speaker alone. known: of an enrolled voice at everybody. unknown: of the same voice at everybody else, or of one
    that is not enrolled at everybody; None where there is nobody else.
    """

    claims: list[Decision]
    known: Decision | None
    unknown: Decision | None


class Replay:
    """Decides attempts at `speakers`, who are at least one, in their order."""

    def __init__(self, speakers: Sequence[Speaker], config: DecisionConfig, calibration: Calibration) -> None:
        self._speakers = list(speakers)
        self._config = config
        self._calibration = calibration
        self._enrolled = calibration.enrolled(np.array([speaker.voiceprint for speaker in speakers]))
        self._seconds = np.array([speaker.speech / SAMPLE_RATE for speaker in speakers])
        self._recordings = np.array([len(speaker.templates) for speaker in speakers])
        self._each = [self._among([speaker]) for speaker in speakers]
        self._all = self._among(speakers)
        self._all_but: dict[int, _Among] = {}

    def decide(self, heard: Heard, own: int | None) -> Decisions:
        """Return how the attempts of a recording end whose voice is that of the speaker at position `own`, or of nobody enrolled."""
        ratios = self._ratios(heard)
        claims = [among.decide(heard, ratios[:, place]) for place, among in enumerate(self._each)]
        everybody = self._all.decide(heard, ratios.max(axis=1))
        if own is None:
            return Decisions(claims, None, everybody)
        if len(claims) == 1:
            return Decisions(claims, everybody, None)
        return Decisions(claims, everybody, self._others(own).decide(heard, np.delete(ratios, own, axis=1).max(axis=1)))

    def _among(self, speakers: Sequence[Speaker]) -> _Among:
        pair = boundaries(self._config, self._calibration, len(speakers))
        return _Among(Decider(speakers, self._config, self._calibration), pair)

    def _others(self, own: int) -> _Among:
        if own not in self._all_but:
            self._all_but[own] = self._among(self._speakers[:own] + self._speakers[own + 1 :])
        return self._all_but[own]

    def _ratios(self, heard: Heard) -> Ratios:
        """Return the ratio of each speaker at each look, (looks, speakers): NaN where nobody can be judged."""
        useful = np.array([self._is_useful(look) for look in heard.looks], dtype=np.bool_)
        ratios = np.full((len(heard.looks), len(self._speakers)), np.nan)
        if useful.any():
            told = np.array([(look.evidence.speech / SAMPLE_RATE, look.evidence.snr, look.evidence.bandwidth) for look in heard.looks])
            speech, snr, bandwidth = told[useful].T[..., np.newaxis]
            quality = Quality(speech, snr, bandwidth, self._seconds, self._recordings)
            ratios[useful] = self._calibration.llrs(self._calibration.scores(heard.embeddings[useful], self._enrolled), quality)
        return ratios

    def _is_useful(self, look: Look) -> bool:
        # At an end nothing is foretold, which costs more than the decision.
        return self._each[0].decider.decide(look.embedding, look.evidence, look.at, ended=Reason.AUDIO_ENDED).reason not in _OF_NO_USE


class _Among(NamedTuple):
    """A decider among some speakers, and its boundaries."""

    decider: Decider
    pair: Pair

    def decide(self, heard: Heard, ratios: Ratios) -> Decision:
        """Return the final decision by the highest ratio at each look, (looks,); where that is NaN nobody can be judged."""
        accept, reject = self.pair
        for place in np.flatnonzero((ratios >= accept - _DOUBT) | (ratios <= reject + _DOUBT)):
            look = heard.looks[int(place)]
            decision = self.decider.decide(look.embedding, look.evidence, look.at)
            if decision.outcome in DECIDED:
                return replace(decision, final=True)
        return self.decider.decide(heard.end.embedding, heard.end.evidence, heard.end.at, ended=heard.ended)
