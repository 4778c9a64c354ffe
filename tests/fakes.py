"""Stand-ins for what is slow or large: a tiny encoder that tells synthetic voices apart."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

import numpy as np

from daemon.config import Config
from daemon.enrollment import EnrollmentSession
from daemon.session import run
from daemon.speakers import Speaker
from models.encoder import Encoder, State, Step
from models.features import MEL_BINS, Frames, Waveform

ENROLLED = datetime(2026, 1, 1, tzinfo=UTC)

EMBEDDING_SIZE = 192
SHARPNESS = 0.08
"""How fast the likeness of two voices falls as their mean spectra differ."""


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
        """Sum of the frames so far, and how many they are."""
        return np.zeros((1, MEL_BINS), dtype=np.float32), np.zeros((1, 1), dtype=np.float32)

    def step(self, frames: Frames, state: State) -> Step:
        total, count = state[0] + frames.sum(axis=1), state[1] + np.float32(frames.shape[1])
        return Step((total, count), np.stack([self._embed(row) for row in total / count]))

    def _embed(self, mean: Frames) -> Frames:
        shape = mean - mean.mean()
        features = np.cos(self._directions @ shape + self._phases)
        embedding: Frames = (features / np.linalg.norm(features)).astype(np.float32)
        return embedding


def enroll(name: str, *recordings: Waveform, encoder: Encoder, config: Config | None = None) -> Speaker:
    """Return the speaker whom `recordings` make, through a whole enrollment."""
    session = EnrollmentSession(encoder.initial_state(), encoder.model_id, config or Config())
    for number, recording in enumerate(recordings):
        if number:
            session.next_recording()
        session.feed(recording)
    session.finish()
    deque(run(session, encoder), maxlen=0)
    return Speaker(name, session.result((), name=name, allow_similar=False), ENROLLED, ENROLLED)
