"""The torch backend: the student as it was trained. Needs the `train` extra."""

from __future__ import annotations

import torch

from models.encoder import State, Step
from models.features import Frames
from models.student import Student, student_of
from models.weights import Card


class TorchEncoder:
    """A student in torch behind the `Encoder` interface."""

    def __init__(self, card: Card, threads: int) -> None:
        torch.set_num_threads(threads)
        self._student = load_student(card)
        self.model_id = card.model_id
        self.step_frames = card.step_frames

    def initial_state(self) -> State:
        """See `Encoder`."""
        return tuple(part.numpy() for part in self._student.initial_state())

    def step(self, frames: Frames, state: State) -> Step:
        """See `Encoder`."""
        with torch.inference_mode():
            embedding, after = self._student(torch.from_numpy(frames), tuple(map(torch.from_numpy, state)))
        return Step(tuple(part.numpy() for part in after), embedding.numpy())


def load_student(card: Card) -> Student:
    """Return the trained student that `card` describes, in evaluation mode. Raises `models.weights.ModelFileError`."""
    stored = torch.load(card.file(".pt"), weights_only=True)
    student = student_of(stored["sizes"])
    student.load_state_dict(stored["student"])
    return student.eval().requires_grad_(False)
