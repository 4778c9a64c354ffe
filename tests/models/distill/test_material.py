from __future__ import annotations

import torch

from models.distill.config import DistillConfig
from models.distill.material import load_material


def test_copies_at_another_speed_are_other_speakers_to_the_teacher(config: DistillConfig) -> None:
    material = load_material(config.model_copy(update={"speeds": (1.1,)}))
    own, copies = material.own_speed, ~material.own_speed
    assert own.sum() == copies.sum()
    assert not set(material.classes[own].tolist()) & set(material.classes[copies].tolist())
    cosines = torch.cosine_similarity(material.embeddings[own], material.embeddings[copies])
    assert (cosines < 0.99).all()
    assert material.data_sha256 != load_material(config).data_sha256
