"""The weights that a `DenseStudent` begins with: those of its teacher, as far as its layers go."""

from __future__ import annotations

import re
from typing import Final

import torch
from torch import Tensor

from models.student.dense import DenseStudent
from models.teachers.campplus import CAMPlusPlus

_RENAMED: Final = (
    (r"^xvector\.", ""),
    (r"^head\.layer(\d)\.(\d)", lambda found: f"head.residuals.{2 * int(found[1]) + int(found[2]) - 2}"),
    (r"\.bn(\d)", r".conv\1_norm"),
    (r"\.conv(\d)\.", r".conv\1.conv."),
    (r"shortcut\.0", "shortcut"),
    (r"shortcut\.1", "shortcut_norm"),
    (r"^tdnn\.nonlinear\.batchnorm", "tdnn_norm"),
    (r"^(block\d)\.tdnnd(\d+)", lambda found: f"{found[1]}.{int(found[2]) - 1}"),
    (r"\.nonlinear1\.batchnorm", ".norm"),
    (r"\.nonlinear2\.batchnorm", ".narrow_norm"),
    (r"cam_layer\.linear_local", "tdnn.linear"),
    (r"cam_layer\.linear1", "mask.squeeze"),
    (r"cam_layer\.linear2", "mask.excite"),
    (r"(block\d\.\d+)\.linear1", r"\1.narrow"),
    (r"^transit1\.nonlinear\.batchnorm", "norm1"),
    (r"^transit1\.linear", "transition"),
)
"""What the teacher's layers are called in the student: patterns and replacements, one after the other."""
_CONTEXTS: Final = 2.0
"""The teacher's masks add the means of the utterance and of a segment; in the student, one running mean stands for both."""


@torch.no_grad()
def inherit(student: DenseStudent, teacher: CAMPlusPlus) -> None:
    """Take over weights, and the statistics of norms. What has no counterpart, the pooling and the embedding, stays as it is."""
    own = student.state_dict()
    given = {_renamed(name): values for name, values in teacher.state_dict().items()}
    # The teacher's next dense layer normalises just the channels that are pooled here.
    following = f"block2.{len(student.block2)}.norm"
    given |= {name.replace(following, "norm2"): values for name, values in given.items() if name.startswith(f"{following}.")}
    for name in own.keys() & given.keys():
        scale = _CONTEXTS if name.endswith("mask.squeeze.weight") else 1
        own[name].copy_(scale * _shaped(given[name]))


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def _shaped(weights: Tensor) -> Tensor:
    """Return convolution weights as ours are: over time and frequency; or over taps, then channels. Others stay as they are."""
    if weights.ndim == 4:  # noqa: PLR2004
        return weights.transpose(2, 3)
    return weights.transpose(1, 2).flatten(1) if weights.ndim == 3 else weights  # noqa: PLR2004
