"""Made-up voices: directions that become clearer the longer they are heard."""

from __future__ import annotations

import numpy as np

from models.calibration.attempts import Attempt, Enrollment, Material, Trajectory
from models.calibration.cohort import unit
from models.calibration.quality import Rows

SIZE = 24
STEPS = 40


class Voices:
    """Speakers of one corpus; `shift` lifts all cosines among them, as a channel that all share does."""

    def __init__(self, speakers: int, seed: int = 0, *, corpus: str = "made up", shift: float = 0.0) -> None:
        self.random = np.random.default_rng(seed)
        self.corpus = corpus
        self.channel = shift * np.eye(SIZE)[0]
        self.means = self.random.normal(size=(speakers, SIZE))

    def trajectory(self, speaker: int, steps: int = STEPS, snr: float = 20.0) -> Trajectory:
        """Return the trajectory of a voice over `steps` of 80 ms; the lower the SNR, the slower it becomes clear."""
        noise: Rows = np.cumsum(self.random.normal(size=(steps, SIZE)), axis=0) / np.arange(1, steps + 1)[:, None]
        session = 0.4 * self.random.normal(size=SIZE)
        embeddings = self.means[speaker] + self.channel + session + (120.0 / (snr + 10.0)) * noise
        seconds: Rows = 0.08 * np.arange(1, steps + 1, dtype=np.float64)
        return Trajectory(embeddings.astype(np.float32), seconds, np.full(steps, snr), np.full(steps, 8000.0))

    def attempt(self, speaker: int, number: int, steps: int = STEPS, snr: float = 20.0) -> Attempt:
        """Return attempt number `number`, unique among recordings."""
        return Attempt(f"speaker {speaker}", self.corpus, "clean", frozenset({number}), self.trajectory(speaker, steps, snr))

    def enrollment(self, speaker: int, number: int) -> Enrollment:
        """Return a voiceprint of three recordings, from number `number` on."""
        last = [unit(self.trajectory(speaker).embeddings[-1]) for _ in range(3)]
        voiceprint = unit(np.mean(last, axis=0)).astype(np.float32)
        return Enrollment(f"speaker {speaker}", self.corpus, frozenset(range(number, number + 3)), voiceprint, 9.6)

    def material(self, attempts: int = 4) -> Material:
        """Return so many attempts of each speaker, half of them in noise, and an enrollment of each."""
        speakers = range(len(self.means))
        heard = [
            self.attempt(speaker, 1000 * speaker + take, snr=(20.0, 5.0)[take % 2]) for speaker in speakers for take in range(attempts)
        ]
        enrollments = [self.enrollment(speaker, 1000 * speaker + 500) for speaker in speakers]
        views = [self.attempt(speaker, 1000 * speaker + 900, 100) for speaker in speakers]
        return Material(heard, enrollments, views, self.others(100))

    def others(self, count: int) -> Rows:
        """Return voiceprints of people who are neither enrolled nor heard, through the same channel."""
        return unit(self.random.normal(size=(count, SIZE)) + self.channel)
