"""What all students have in common: they carry their state from frame to frame, and pool what they heard so far."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, Protocol

from torch import Tensor, nn

from models.features import MEL_BINS
from models.layers import AttentiveStatistics, BatchNorm, Compensation, LayerState, RunningMean, StreamingLayer, statistics
from models.levels import Levels, Network

TIME_STRIDE = 2
"""Log-mel frames (10 ms) per frame of the encoder (20 ms)."""


class StudentConfig(Protocol):
    """The sizes of a student, as a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def prior_frames(self) -> float:
        """Weight of the prior mean against the frames heard, in frames of 10 ms."""
        ...


class Encoded(NamedTuple):
    """Frame-level output of a piece of audio, (batch, time / 2, channels), and the state after it."""

    frame: Tensor
    state: LayerState


class Student(Network):
    """`encode(frames, state) -> (frame level, state)`; `pooled(state)` and `embed(state)` at any time after the first frame.

    The frames are centred by the running mean of the stream; what a subclass makes of them at the frame level is pooled by attentive
    statistics, which an affine layer maps to the embedding; what tells nothing of the speaker is compensated once it is trained. A
    subclass registers its layers between `super().__init__` and `_pool_over`, in the order in which `frame_level` uses them.
    """

    frame_stride = TIME_STRIDE
    config: StudentConfig

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config = config
        self.centre = RunningMean(MEL_BINS, config.prior_frames)

    def _pool_over(self, channels: int, attention: int, embedding: int) -> None:
        """Register what follows the frame level, (batch, time, channels)."""
        self.pool = AttentiveStatistics(channels, attention)
        self.embedding = nn.Linear(2 * channels, embedding, bias=False)
        self.embedding_norm = BatchNorm(embedding, affine=False)
        self.compensation = Compensation(embedding)

    @abstractmethod
    def frame_level(self, frames: Tensor, states: StateWalk) -> Tensor:
        """Map centred frames, (batch, time, 80), to (batch, time / 2, channels), each layer with state by `states.through`."""

    @property
    def embedding_size(self) -> int:
        """Numbers in an embedding."""
        return self.embedding.out_features

    @property
    def layers(self) -> list[StreamingLayer]:
        """The layers with state, in the order of their parts in the state."""
        return list(_outermost(self))

    def initial_state(self, batch: int = 1) -> LayerState:
        """Return the state before any frame, for `batch` streams: a flat tuple of tensors."""
        return tuple(part for layer in self.layers for part in layer.initial_state(batch))

    def encode(self, frames: Tensor, state: LayerState) -> Encoded:
        """Advance by log-mel frames, (batch, time, 80), time a multiple of 2."""
        states = StateWalk(state)
        means = states.through(self.centre, frames)
        frame = self.frame_level(frames - means, states)
        states.through(self.pool, frame)
        return Encoded(frame, states.after)

    def pooled(self, state: LayerState) -> Tensor:
        """Return the statistics of all frames since the initial state, (batch, 2 * channels)."""
        return statistics(state[-3:])

    def embed(self, state: LayerState) -> Tensor:
        """Return the embedding of all frames since the initial state, (batch, size), not normalised to unit length."""
        embedding: Tensor = self.compensation(self.embedding_norm(self.embedding(self.pooled(state))))
        return embedding

    def levels(self, frames: Tensor) -> Levels:
        """Return the levels of whole utterances, as a teacher does: frame (batch, time / 2, channels), pooled, embedding."""
        encoded = self.encode(frames, self.initial_state(len(frames)))
        return Levels(encoded.frame, self.pooled(encoded.state), self.embed(encoded.state))

    def forward(self, frames: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Step: return the embedding so far and the state after `frames`."""
        state = self.encode(frames, state).state
        return self.embed(state), state


class StateWalk:
    """Hands each layer its part of the flat state, in order, and collects what it returns."""

    def __init__(self, state: LayerState) -> None:
        self._before = state
        self.after: LayerState = ()
        """The parts of the layers that were passed through."""

    def through(self, layer: StreamingLayer, x: Tensor) -> Tensor:
        """Return what `layer`, the next in order, makes of `x`."""
        start = len(self.after)
        y: Tensor
        y, after = layer(x, self._before[start : start + len(layer.state_shapes)])
        self.after += after
        return y


def _outermost(module: nn.Module) -> list[StreamingLayer]:
    """Return the layers with state that are not part of another one."""
    found: list[StreamingLayer] = []
    for child in module.children():
        found += [child] if isinstance(child, StreamingLayer) else _outermost(child)
    return found
