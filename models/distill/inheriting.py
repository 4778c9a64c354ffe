"""How a student that is made of its teacher's layers begins."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.distill.corpus import Corpus
from models.distill.fbank import batch_log_mel
from models.distill.norms import clean_crops
from models.levels import Network
from models.student.dense import DenseStudent
from models.student.inheritance import inherit
from models.teachers import TeacherError, load_teacher
from models.teachers.campplus import CAMPlusPlus

BATCHES: Final = 60
RIDGE: Final = 0.1
"""Weight of the squared coefficients, for statistics of one standard deviation."""


def begin(network: Network, teacher: str, audio: Corpus, embeddings: Tensor, seed: int) -> None:
    """Take over the teacher's weights, and map the statistics of clean crops to its `embeddings`, (recordings, size), by ridge regression.

    From random weights, small steps that keep what was inherited would take an hour to learn that map. Raises `TeacherError` where the
    student has other layers than the teacher.
    """
    giver = load_teacher(teacher)
    if not isinstance(network, DenseStudent) or not isinstance(giver, CAMPlusPlus):
        raise TeacherError("inherit: only base can begin with weights of its teacher, and only with those of campplus")
    inherit(network, giver)
    random = np.random.default_rng(seed)
    with torch.no_grad():
        heard = [clean_crops(audio, random) for _ in range(BATCHES)]
        pooled = torch.cat([network.eval().levels(batch_log_mel(crops)).pooled for crops, _ in heard])
        network.embedding.weight.copy_(_ridge(pooled, torch.cat([embeddings[indices] for _, indices in heard])))


def _ridge(inputs: Tensor, outputs: Tensor) -> Tensor:
    """Return the weights, (out, in), that predict `outputs`, (count, out), up to a shift, from `inputs`, (count, in)."""
    inputs, outputs = inputs.double() - inputs.double().mean(dim=0), outputs.double() - outputs.double().mean(dim=0)
    deviation = inputs.std(dim=0)
    standard = inputs / deviation
    gram = standard.T @ standard + RIDGE * len(inputs) * torch.eye(standard.shape[1], dtype=torch.float64)
    weights: Tensor = torch.linalg.solve(gram, standard.T @ outputs).T / deviation
    return weights.float()
