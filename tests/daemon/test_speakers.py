from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from daemon.events import Evidence
from daemon.speakers import ADAPTED_SHARE, Speaker, Template, mean_direction, unit
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


def test_sessions_weigh_alike_however_many_recordings_they_have() -> None:
    morning = [Template(axis(0), "edge-1", Evidence())] * 3
    anna = speaker(*morning, Template(axis(1), "edge-1", Evidence(), session=1))
    np.testing.assert_allclose(anna.voiceprint[:3], [np.sqrt(0.5), np.sqrt(0.5), 0.0], rtol=1e-6)
    assert anna.sessions == 2


def test_a_session_is_normalised_before_it_is_averaged() -> None:
    diverse = [Template(axis(index), "edge-1", Evidence()) for index in range(4)]
    anna = speaker(*diverse, Template(axis(4), "edge-1", Evidence(), session=1))
    assert anna.voiceprint[4] == pytest.approx(np.sqrt(0.5))


def test_what_was_adapted_never_weighs_more_than_its_share() -> None:
    adapted = Template(axis(1), "edge-1", Evidence())
    weights = []
    for count in (1, 2, 8, 10_000):
        anna = replace(speaker(Template(axis(0), "edge-1", Evidence())), adapted=(adapted,) * count)
        enrolled, learned = anna.voiceprint[:2]
        weights.append(learned / (enrolled + learned))
        np.testing.assert_array_equal(anna.anchor, axis(0))
    assert weights == sorted(weights)
    assert weights[0] == pytest.approx(ADAPTED_SHARE / 5)
    assert weights[-1] == pytest.approx(ADAPTED_SHARE, abs=1e-3)
    assert weights[-1] < ADAPTED_SHARE


def test_what_was_adapted_is_no_recording() -> None:
    anna = replace(
        speaker(Template(axis(0), "edge-1", Evidence(speech=16_000))), adapted=(Template(axis(1), "edge-1", Evidence(speech=8_000)),)
    )
    assert (anna.speech, anna.sessions, len(anna.templates)) == (16_000, 1, 1)


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
