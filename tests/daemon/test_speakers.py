from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from daemon.events import Evidence
from daemon.speakers import Speaker, Template, mean_direction, unit
from models.encoder import Embedding

ENROLLED = datetime(2026, 1, 1, tzinfo=UTC)


def axis(index: int) -> Embedding:
    vector: Embedding = np.eye(192, dtype=np.float32)[index]
    return vector


def speaker(*templates: Template) -> Speaker:
    return Speaker("anna", templates, ENROLLED, ENROLLED)


def test_voiceprint_is_the_mean_direction_of_the_templates() -> None:
    anna = speaker(Template(axis(0), "edge-1", Evidence()), Template(axis(1), "edge-1", Evidence()))
    np.testing.assert_allclose(anna.voiceprint[:3], [np.sqrt(0.5), np.sqrt(0.5), 0.0], rtol=1e-6)
    assert anna.voiceprint.dtype == np.float32


def test_speech_is_that_of_all_templates() -> None:
    anna = speaker(Template(axis(0), "edge-1", Evidence(speech=16_000)), Template(axis(1), "edge-1", Evidence(speech=8_000)))
    assert anna.speech == 24_000
    assert anna.model_id == "edge-1"


def test_unit_scales_to_length_one_in_double_precision() -> None:
    scaled = unit(np.array([3.0, 4.0], dtype=np.float32))
    np.testing.assert_array_equal(scaled, [0.6, 0.8])
    assert scaled.dtype == np.float64


def test_zero_vector_resembles_nothing() -> None:
    np.testing.assert_array_equal(unit(np.zeros(3, dtype=np.float32)), np.zeros(3))
    np.testing.assert_array_equal(mean_direction([axis(0), -axis(0)]), np.zeros(192))
