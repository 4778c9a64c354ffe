"""sherpa-onnx as an embedding to measure: with CAM++, or `sherpa-onnx:MODEL.onnx` with any speaker model that it can run.

CAM++ has the weights of the teacher `campplus`; what differs is the runtime and its features. It is converted when it is first asked
for, and kept beside the teachers' weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import MEL_BINS, SAMPLE_RATE, Waveform

ADVICE: Final = "pip install 'speakerd[compare]'"
METADATA: Final = {
    "framework": "3d-speaker",
    "language": "Chinese and English",
    "sample_rate": str(SAMPLE_RATE),
    "output_dim": "192",
    "normalize_samples": "1",
    "feature_normalize_type": "global-mean",
}
"""What sherpa-onnx must know of CAM++, under the names that it reads: 1 is for samples in [-1, 1]."""


class SherpaEmbedding:
    """A speaker model in sherpa-onnx; `parameters` is 0 where the file does not tell them."""

    def __init__(self, model: str = "") -> None:
        try:
            import sherpa_onnx  # noqa: PLC0415 - not everyone has it
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{error}; {ADVICE}") from None
        path = Path(model) if model else campplus()
        if not path.is_file():
            # It would end the process.
            raise FileNotFoundError(f"{path} is no file")
        config = sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(path), num_threads=1)
        self._extractor = sherpa_onnx.SpeakerEmbeddingExtractor(config)
        self.parameters = _parameters(path)

    def embed(self, waveform: Waveform) -> NDArray[np.float32] | None:
        """Map mono samples at 16 kHz in [-1, 1] to an embedding; None where they are too few."""
        stream = self._extractor.create_stream()
        stream.accept_waveform(SAMPLE_RATE, waveform)
        stream.input_finished()
        if not self._extractor.is_ready(stream):
            return None
        embedding = np.array(self._extractor.compute(stream), dtype=np.float32)
        return embedding if np.isfinite(embedding).all() else None


def campplus() -> Path:
    """Return CAM++ as a file for sherpa-onnx, made from the teacher's weights. Raises `TeacherError` where those are missing."""
    # Imported here because only the conversion needs torch.
    from models.teachers.store import weights_dir  # noqa: PLC0415

    path = weights_dir() / "campplus-sherpa.onnx"
    if not path.exists():
        _convert_campplus(path)
    return path


def _convert_campplus(path: Path) -> None:
    # As above.
    import onnx  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from models.teachers.campplus import load  # noqa: PLC0415

    teacher = load()

    class Embedding(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.teacher = teacher

        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            return self.teacher.levels(frames).embedding

    program = torch.onnx.export(
        Embedding().eval(),
        (torch.zeros(1, 200, MEL_BINS),),
        input_names=["frames"],
        output_names=["embedding"],
        dynamic_shapes=({1: torch.export.Dim("time", min=20, max=100_000)},),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model = program.model_proto
    parameters = sum(parameter.numel() for parameter in teacher.parameters())
    onnx.helper.set_model_props(model, METADATA | {"parameters": str(parameters)})
    partial = path.with_suffix(".part")
    onnx.save(model, partial)
    partial.replace(path)


def _parameters(path: Path) -> int:
    from models.backends import open_session  # noqa: PLC0415 - not everyone who imports this measures with it

    metadata: dict[str, str] = open_session(path, threads=1).get_modelmeta().custom_metadata_map
    return int(metadata.get("parameters", 0))
