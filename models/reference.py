"""The torch backend: the student as it was trained. Needs the `train` extra."""

from __future__ import annotations

import hashlib
import json
from typing import Final

import torch

from models.encoder import State, Step
from models.features import Frames
from models.student import Student, sizes_of, student_of
from models.weights import Card, ModelFileError

STEP_FRAMES: Final = 8
"""Frames of 10 ms per step: with the window, an algorithmic delay of 95 ms."""
ID_DIGITS: Final = 12
"""So many digits of the hash of its weights end the id of a model."""


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
    for name, fact in facts_of(student).items():
        # As JSON, which the card is: it has no tuples.
        if card.facts.get(name) != json.loads(json.dumps(fact)):
            raise ModelFileError(f"{card.path} says another {name} than {card.path.with_suffix('.pt').name} has: export the model again")
    if not card.model_id.endswith(card.facts["weights_sha256"][:ID_DIGITS]):
        raise ModelFileError(f"{card.path} says model_id = {card.model_id}, which is not of these weights: export the model again")
    return student.eval().requires_grad_(False)


def facts_of(student: Student) -> dict[str, object]:
    """Return what a student tells itself of the facts of its card."""
    return {
        "weights_sha256": _content_hash(student),
        "embedding_size": student.embedding_size,
        "step_frames": STEP_FRAMES,
        "normalisation_prior": {
            "frames": student.centre.prior_weight,
            "mean": [round(mean, 4) for mean in student.centre.prior.tolist()],
        },
        "sizes": sizes_of(student),
    }


def _content_hash(student: Student) -> str:
    content = hashlib.sha256()
    for name, tensor in sorted(student.state_dict().items()):
        content.update(name.encode())
        content.update(tensor.numpy().tobytes())
    return content.hexdigest()
