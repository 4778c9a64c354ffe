"""A view of the latest speech alone: what the encoder pooled over its last steps, without computing any of them again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.encoder import POOLED, State


class SlidingView:
    """The last `steps` steps of one stream: a ring of what each of them added to the sums of the encoder's pooling.

    `before(state)` is what to ask the encoder for a step after, in place of `state`: its embedding is then that of the view with the new
    step, and of nothing before. `hear` each step, whichever state it followed. The sums are made of the ring anew each time, so that no
    rounding adds up. Cost and memory are constant.

    memory: the encoder's running means weigh at most so many frames of the past, so that a voice which follows minutes of another soon
    moves them; None: all.
    """

    def __init__(self, steps: int, memory: float | None = None) -> None:
        self._steps = steps
        self._memory = memory
        self._ring: deque[State] = deque(maxlen=steps)

    @property
    def full(self) -> bool:
        """Whether `steps` were heard."""
        return len(self._ring) == self._steps

    def hear(self, before: State, after: State) -> None:
        """Take a step of the encoder on a batch of one: the state that it followed, and the state after it."""
        self._ring.append(tuple(new - old for old, new in zip(before[-POOLED:], after[-POOLED:], strict=True)))

    def before(self, state: State) -> State:
        """Return a state of the view without its oldest step, if it is full, in place of the state after the newest one."""
        kept = list(self._ring)[1:] if self.full else list(self._ring)
        front = state[:-POOLED] if self._memory is None else forgetting(state[:-POOLED], self._memory)
        return *front, *_sums(kept, like=state[-POOLED:])


def forgetting(front: State, memory: float) -> State:
    """Return the parts of a state before the pooled ones, with running means of at most `memory` frames."""
    parts = list(front)
    for index, count in enumerate(front):
        if count.ndim == 2 and count.shape[1] == 1 and count.max() > memory:  # noqa: PLR2004 - (batch, 1)
            share: NDArray[np.float32] = np.minimum(np.float32(memory) / count, np.float32(1.0))
            parts[index - 1 : index + 1] = front[index - 1] * share, count * share
    return tuple(parts)


def _sums(increments: Sequence[State], like: State) -> State:
    if not increments:
        return tuple(map(np.zeros_like, like))
    return tuple(np.array(sum(parts), dtype=np.float32) for parts in zip(*increments, strict=True))
