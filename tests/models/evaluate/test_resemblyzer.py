"""A stand-in for the package, which names dependencies that do not install everywhere; docs/evaluation.md tells of the real one."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from models.evaluate.resemblyzer import ResemblyzerEmbedding
from models.features import Waveform


class _Encoder(torch.nn.Linear):
    def __init__(self, device: str, *, verbose: bool) -> None:
        assert device == "cpu"
        assert not verbose
        super().__init__(2, 3)

    def embed_utterance(self, speech: Waveform) -> Waveform:
        return speech[:4] * 2.0


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install what takes the first half of a recording for silence."""
    module = ModuleType("resemblyzer")
    vars(module).update(VoiceEncoder=_Encoder, preprocess_wav=lambda waveform: waveform[len(waveform) // 2 :])
    monkeypatch.setitem(sys.modules, "resemblyzer", module)


@pytest.mark.usefixtures("package")
def test_speech_is_embedded() -> None:
    resemblyzer = ResemblyzerEmbedding()
    assert resemblyzer.parameters == 9
    embedding = resemblyzer.embed(np.arange(8, dtype=np.float32))
    assert embedding is not None
    assert embedding.tolist() == [8.0, 10.0, 12.0, 14.0]


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("samples", [0, 8])
def test_silence_gives_no_embedding(samples: int) -> None:
    assert ResemblyzerEmbedding().embed(np.zeros(samples, dtype=np.float32)) is None


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps resemblyzer"):
        ResemblyzerEmbedding()
