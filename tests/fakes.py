"""Stand-ins for what is slow or large: a tiny encoder that tells synthetic voices apart, and a calibration for it."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

import numpy as np

from daemon.config import Config, VadConfig
from daemon.enrollment.session import EnrollmentSession
from daemon.session import run
from daemon.speakers import Speaker
from models.calibration.boundary import Boundaries, Mutual
from models.calibration.calibration import Calibration
from models.calibration.cohort import Cohort
from models.calibration.extremes import CHANCES, LIMIT, Extremes
from models.calibration.quality import FEATURES
from models.calibration.score import ScoreModel
from models.encoder import Encoder, State, Step
from models.features import MEL_BINS, Frames, Waveform

ENROLLED = datetime(2026, 1, 1, tzinfo=UTC)

PLAIN_VAD = VadConfig(kind="webrtc", start_ms=60, pre_roll_ms=200)
"""Synthetic voices are too plain for Silero VAD, which is right about some of them; WebRTC's detector hears them all."""

EMBEDDING_SIZE = 192
SHARPNESS = 0.08
"""How fast the likeness of two voices falls as their mean spectra differ."""
SPREAD = 0.1
"""How far the boundaries of the fake calibration move with the logarithm of a rate."""


class FakeEncoder:
    """An `Encoder` without learning: random Fourier features of the mean spectrum's shape.

    The cosine of two of its embeddings falls from 1 towards 0 with the distance of the mean spectra, whatever their level. Every
    row of a batch is computed alone, so that a stream's result does not depend on its neighbours.
    """

    step_frames = 8

    def __init__(self, model_id: str = "fake-1") -> None:
        self.model_id = model_id
        random = np.random.default_rng(20)
        self._directions = random.normal(0.0, SHARPNESS, (EMBEDDING_SIZE, MEL_BINS))
        self._phases = random.uniform(0.0, 2 * np.pi, EMBEDDING_SIZE)

    def initial_state(self) -> State:
        """A running mean that nothing depends on, and sums of weights, of frames and of their squares, as `models.encoder` wants them."""
        frames, count = np.zeros((1, MEL_BINS), dtype=np.float32), np.zeros((1, 1), dtype=np.float32)
        return frames, count, count, frames, frames

    def step(self, frames: Frames, state: State) -> Step:
        new = np.float32(frames.shape[1]), frames.sum(axis=1), np.square(frames).sum(axis=1)
        total, count, *sums = (part + added for part, added in zip(state, (new[1], new[0], *new), strict=True))
        return Step((total, count, *sums), np.stack([self._embed(row) for row in sums[1] / sums[0]]))

    def _embed(self, mean: Frames) -> Frames:
        shape = mean - mean.mean()
        features = np.cos(self._directions @ shape + self._phases)
        embedding: Frames = (features / np.linalg.norm(features)).astype(np.float32)
        return embedding


def fake_calibration(model_id: str = "fake-1", accept: float = 0.6, reject: float = 0.5) -> Calibration:
    """Return a calibration by which cosines are accepted from about `accept` on and rejected up to `reject`, at the default rates.

    The log-likelihood ratio of a cosine between the two is 1 at `accept` and -1 at `reject`, whatever the quality of the speech. With
    every halving of a rate its boundary moves outwards by 0.07, and so it does for false accepts with every doubling of the voices.
    """
    slope = 2.0 / (accept - reject)
    weights = np.eye(FEATURES)[0]
    model = ScoreModel(slope * weights, -slope * (accept + reject) / 2 * weights)
    boundaries = Boundaries(_extremes(0.01, 1.0), _extremes(0.05, 1.0), Mutual(slope, model.offset[0], 1.0), 0.0)
    return Calibration(model_id, model, Cohort(np.empty((0, EMBEDDING_SIZE))), boundaries)


def _extremes(chance: float, level: float) -> Extremes:
    """Return extremes that reach `level` with this chance, and a little less with a larger one."""
    body = level + SPREAD * (np.log(chance) - np.log(CHANCES))
    return Extremes(np.array([LIMIT]), body[np.newaxis], np.array([SPREAD]))


def enroll(name: str, *recordings: Waveform, encoder: Encoder, config: Config | None = None) -> Speaker:
    """Return the speaker whom `recordings` make, through a whole enrollment."""
    session = EnrollmentSession(
        encoder.initial_state(), encoder.model_id, config or Config(vad=PLAIN_VAD), fake_calibration(encoder.model_id)
    )
    for number, recording in enumerate(recordings):
        if number:
            session.next_recording()
        session.feed(recording)
    session.finish()
    deque(run(session, encoder), maxlen=0)
    return Speaker(name, session.result((), name=name, allow_similar=False), ENROLLED, ENROLLED)
