from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor

from models.student import BASE, CONFIGS, EDGE, Student, StudentConfig, new_student, sizes_of, student_of

TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=["edge", "base"])
def student(request: pytest.FixtureRequest) -> Student:
    torch.manual_seed(0)
    student = new_student(CONFIGS[request.param])
    # A pass in training mode gives the norms statistics that are not their initial ones.
    student.encode(torch.randn(4, 200, 80), student.initial_state(4))
    return student.eval().requires_grad_(False)


def _frames(batch: int, time: int = 96, seed: int = 1) -> Tensor:
    return torch.randn(batch, time, 80, generator=torch.Generator().manual_seed(seed)) * 3.0


@pytest.mark.parametrize(("config", "limit"), [(EDGE, 620_000), (BASE, 1_710_000)])
def test_sizes_keep_their_promise(config: StudentConfig, limit: int) -> None:
    assert sum(parameter.numel() for parameter in new_student(config).parameters()) <= limit


@pytest.mark.parametrize("piece", [2, 8, 10, 94])
def test_streaming_equals_offline(student: Student, piece: int) -> None:
    frames = _frames(2)
    whole = student.encode(frames, student.initial_state(2))
    state, outputs = student.initial_state(2), []
    for part in torch.split(frames, piece, dim=1):
        frame, state = student.encode(part, state)
        outputs.append(frame)
    torch.testing.assert_close(torch.cat(outputs, dim=1), whole.frame, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(student.embed(state), student.embed(whole.state), rtol=0, atol=TOLERANCE)


def test_the_future_changes_nothing_before_it(student: Student) -> None:
    frames = _frames(1)
    changed = frames.clone()
    changed[:, 48:] += 5.0
    before, after = (student.encode(x, student.initial_state()).frame for x in (frames, changed))
    torch.testing.assert_close(after[:, :24], before[:, :24], rtol=0, atol=0)
    assert not torch.allclose(after[:, 24:], before[:, 24:])


def test_interleaved_streams_do_not_disturb_each_other(student: Student) -> None:
    streams = [_frames(1, seed=2), _frames(1, seed=3)]
    states = [student.initial_state(), student.initial_state()]
    for step in range(0, 96, 8):
        for index, frames in enumerate(streams):
            states[index] = student.encode(frames[:, step : step + 8], states[index]).state
    for frames, state in zip(streams, states, strict=True):
        alone = student.encode(frames, student.initial_state()).state
        torch.testing.assert_close(student.embed(state), student.embed(alone), rtol=0, atol=TOLERANCE)


def test_batch_composition_does_not_matter(student: Student) -> None:
    frames = _frames(5)
    together = student.embed(student.encode(frames, student.initial_state(5)).state)
    for row in range(5):
        alone = student.embed(student.encode(frames[row : row + 1], student.initial_state()).state)
        torch.testing.assert_close(together[row : row + 1], alone, rtol=0, atol=TOLERANCE)


def test_the_pieces_of_the_state_follow_the_layers(student: Student) -> None:
    shapes = [part.shape[1:] for part in student.encode(_frames(3), student.initial_state(3)).state]
    assert shapes == [part.shape[1:] for part in student.initial_state(3)]
    assert [tuple(shape) for layer in student.layers for shape in layer.state_shapes] == [tuple(shape) for shape in shapes]


def test_the_sizes_of_a_card_make_the_same_network(student: Student) -> None:
    again = student_of(json.loads(json.dumps(sizes_of(student))))
    again.load_state_dict(student.state_dict())
    assert sizes_of(again) == sizes_of(student)
    torch.testing.assert_close(again.eval().levels(_frames(1)).embedding, student.levels(_frames(1)).embedding)
