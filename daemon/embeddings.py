"""Encoders as `models.evaluate` measures them: behind the same gate and features as in the daemon."""

from __future__ import annotations

from functools import partial

from daemon.config import Config
from daemon.hearing.listener import STEP_FRAMES, Encode, Listener
from models.backends import load_encoder
from models.encoder import Embedding
from models.features import Waveform, log_mel
from models.weights import read_card


class DaemonEmbedding:
    """What a daemon with default settings ends up with at the end of a recording: `model` is a shipped name or the path of a card."""

    def __init__(self, model: str, backend: str = "onnxruntime") -> None:
        self.parameters = read_card(model).parameters
        self._encoder = load_encoder(model, backend)
        self._vad = Config().vad

    def embed(self, waveform: Waveform) -> Embedding | None:
        """Map mono samples at 16 kHz in [-1, 1] to an embedding; None where no step's worth of speech is found."""
        listener = Listener(self._encoder.initial_state(), self._vad)
        listener.feed(waveform)
        listener.finish()
        while due := listener.poll():
            if isinstance(due, Encode):
                listener.encoded(self._encoder.step(due.frames[None], due.state))
        return listener.embedding


class StreamedEmbedding(DaemonEmbedding):
    """The same, but where the gate finds no speech, all of the recording is encoded: encoders are compared on all that there is."""

    def embed(self, waveform: Waveform) -> Embedding | None:
        """Map mono samples at 16 kHz in [-1, 1] to an embedding; None of less than a step."""
        heard = super().embed(waveform)
        return self._whole(waveform) if heard is None else heard

    def _whole(self, waveform: Waveform) -> Embedding | None:
        embedding, state = None, self._encoder.initial_state()
        frames = log_mel(waveform)
        for start in range(0, len(frames) - STEP_FRAMES + 1, STEP_FRAMES):
            step = self._encoder.step(frames[None, start : start + STEP_FRAMES], state)
            embedding, state = step.embedding[0], step.state
        return embedding


edge = partial(StreamedEmbedding, "edge")
edge_int8 = partial(StreamedEmbedding, "edge-int8")
base = partial(StreamedEmbedding, "base")
base_int8 = partial(StreamedEmbedding, "base-int8")
in_torch = partial(StreamedEmbedding, backend="torch")
