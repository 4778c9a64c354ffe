from __future__ import annotations

import torch

from models.distill.config import DistillConfig
from models.distill.material import load_material


def test_copies_in_other_voices_are_other_speakers_to_the_teacher(config: DistillConfig) -> None:
    material = load_material(config.model_copy(update={"speeds": (1.1,), "voices": 1}))
    own, copies = material.own_voice, ~material.own_voice
    assert 2 * own.sum() == copies.sum()
    assert not set(material.classes[own].tolist()) & set(material.classes[copies].tolist())
    cosines = torch.cosine_similarity(material.embeddings[own].repeat(2, 1), material.embeddings[copies])
    assert (cosines < 0.99).all()
    assert material.data_sha256 != load_material(config).data_sha256
