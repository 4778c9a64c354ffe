"""What a session has to decide on, recorded once: neither the gate nor the encoder depends on who is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daemon.config import VadConfig
from daemon.events import Evidence, Reason
from daemon.hearing.listener import Encode, Listener
from models.encoder import Embedding, Encoder
from models.features import Waveform


@dataclass(frozen=True)
class Look:
    """What is known after a step of the encoder, or at the end of the audio, `at` samples in."""

    embedding: Embedding | None
    evidence: Evidence
    at: int


@dataclass(frozen=True)
class Heard:
    """A recording as a session hears it: after each step, and at its end. `ended`: why it is that."""

    looks: tuple[Look, ...]
    end: Look
    ended: Reason

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """The running embedding after each step, (steps, d)."""
        return np.array([look.embedding for look in self.looks], dtype=np.float32)


def hear(waveform: Waveform, encoder: Encoder, config: VadConfig, enough: int, patience: float | None = None) -> Heard:
    """Hear a recording, mono at 16 kHz in [-1, 1], as a session does: until `enough` samples of net speech, a pause, or its end."""
    listener = Listener(encoder.initial_state(), config, patience)
    listener.feed(waveform)
    listener.finish()
    looks: list[Look] = []
    while (due := listener.poll()) is not None:
        if isinstance(due, Encode):
            listener.encoded(encoder.step(due.frames[np.newaxis], due.state))
            looks.append(Look(listener.embedding, listener.evidence, listener.at))
            if looks[-1].evidence.speech >= enough:
                return Heard(tuple(looks), looks[-1], Reason.SPEECH_BUDGET_SPENT)
    ended = Reason.SPEECH_PAUSED if listener.paused else Reason.AUDIO_ENDED
    return Heard(tuple(looks), Look(listener.embedding, listener.evidence, listener.at), ended)
