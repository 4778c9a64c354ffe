"""What a student takes over from its teacher, shown by what both compute where they are alike."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch.nn import functional as F

from models.student import BASE, new_student
from models.student.dense import DenseStudent
from models.student.inheritance import inherit
from models.student.network import StateWalk
from models.teachers.campplus import CAMPlusPlus


@pytest.fixture(scope="module")
def teacher() -> CAMPlusPlus:
    torch.manual_seed(1)
    teacher = CAMPlusPlus()
    teacher.levels(torch.randn(4, 200, 80))  # Its norms get statistics that are not their initial ones.
    return teacher.eval()


@pytest.fixture
def student(teacher: CAMPlusPlus) -> DenseStudent:
    torch.manual_seed(2)
    student = cast("DenseStudent", new_student(BASE).eval())
    inherit(student, teacher)
    return student


def test_the_head_computes_what_the_teachers_does_ten_frames_later(student: DenseStudent, teacher: CAMPlusPlus) -> None:
    # With what does not depend on time, being causal makes no difference once the past is full.
    frames = torch.randn(1, 1, 80).expand(1, 60, 80)
    with torch.inference_mode():
        ours = student.head(frames, StateWalk(student.initial_state()[2:]))
        theirs = teacher.head(frames.transpose(1, 2))
    torch.testing.assert_close(ours[:, :, 30].flatten(1), theirs[:, :, 30], rtol=1e-4, atol=1e-4)


def test_a_convolution_over_time_keeps_the_order_of_its_taps(student: DenseStudent, teacher: CAMPlusPlus) -> None:
    x = torch.randn(1, 20, 320)
    with torch.inference_mode():
        ours, _ = student.tdnn(x, student.tdnn.initial_state())
        theirs = F.conv1d(F.pad(x.transpose(1, 2), (3, 0)), teacher.xvector.tdnn.linear.weight, stride=2).transpose(1, 2)  # type: ignore[arg-type]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_only_what_has_no_counterpart_keeps_its_random_weights(student: DenseStudent) -> None:
    torch.manual_seed(2)
    fresh = new_student(BASE).state_dict()
    kept = {name.split(".")[0] for name, values in student.state_dict().items() if values.ndim > 1 and torch.equal(values, fresh[name])}
    assert kept == {"pool", "embedding", "compensation"}


def test_the_norm_before_the_pooling_is_that_of_the_next_dense_layer(student: DenseStudent, teacher: CAMPlusPlus) -> None:
    theirs = teacher.state_dict()["xvector.block2.tdnnd6.nonlinear1.batchnorm.running_mean"]
    torch.testing.assert_close(student.norm2.running_mean, theirs)
