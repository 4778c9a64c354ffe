"""Encoders as `models.evaluate` measures them: behind the same gate and features as in the daemon."""

from __future__ import annotations

from functools import partial

from daemon.config import Config
from daemon.listener import Encode, Listener
from models.backends import load_encoder
from models.encoder import Embedding
from models.features import Waveform
from models.weights import read_card


class StreamedEmbedding:
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


edge = partial(StreamedEmbedding, "edge")
edge_int8 = partial(StreamedEmbedding, "edge-int8")
base = partial(StreamedEmbedding, "base")
base_int8 = partial(StreamedEmbedding, "base-int8")
in_torch = partial(StreamedEmbedding, backend="torch")
