"""CAM++ in sherpa-onnx: converted from the teacher's weights, which `python -m models.teachers fetch` brings."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from models.audio import read_audio
from models.evaluate import sherpa
from models.evaluate.sherpa import SherpaEmbedding
from models.teachers.campplus import SOURCE, embedding
from models.teachers.store import weights_dir

VOICES = Path(__file__).parents[3] / "clients" / "voices"

# Both are torch's exporter talking to itself.
pytestmark = [
    pytest.mark.timeout(900),  # Tracing the graph takes a while on a busy machine.
    pytest.mark.filterwarnings("ignore:.isinstance.treespec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:# The axis name:UserWarning"),
]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return CAM++ as sherpa-onnx takes it, made anew in a directory that holds the teacher's weights alone."""
    directory = tmp_path_factory.mktemp("teachers")
    (directory / SOURCE.name).symlink_to(weights_dir() / SOURCE.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEAKERD_TEACHERS", str(directory))
        return sherpa.campplus()


def test_campplus_says_in_sherpa_onnx_what_it_says_in_torch(converted: Path) -> None:
    here, there = embedding(), SherpaEmbedding(str(converted))
    assert there.parameters == here.parameters == 6_848_544
    for name in ("1-slt", "2-rms", "3-awb"):
        waveform = read_audio(VOICES / name / "1.opus")
        expected, found = here.embed(waveform), there.embed(waveform)
        assert expected is not None
        assert found is not None
        # Its features are not ours: they pad the ends and reach less high.
        assert expected @ found > 0.8 * np.linalg.norm(expected) * np.linalg.norm(found)


def test_too_little_audio_gives_no_embedding(converted: Path) -> None:
    assert SherpaEmbedding(str(converted)).embed(np.zeros(0, dtype=np.float32)) is None


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.onnx is no file"):
        SherpaEmbedding(str(tmp_path / "absent.onnx"))


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'speakerd\[compare\]'"):
        SherpaEmbedding()
