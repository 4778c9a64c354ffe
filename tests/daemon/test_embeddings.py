from __future__ import annotations

import numpy as np
import pytest

from daemon.embeddings import DaemonEmbedding, StreamedEmbedding
from models.features import HOP_SAMPLES, Waveform
from tests import audio

HUM: Waveform = (0.1 * np.sin(np.arange(16_000) / 20.0)).astype(np.float32)
"""A second in which no gate hears a voice."""


@pytest.fixture(scope="module")
def in_daemon() -> DaemonEmbedding:
    return DaemonEmbedding("edge")


@pytest.fixture(scope="module")
def streamed() -> StreamedEmbedding:
    return StreamedEmbedding("edge")


def test_where_there_is_speech_encoders_are_compared_on_what_a_daemon_hears(
    in_daemon: DaemonEmbedding, streamed: StreamedEmbedding
) -> None:
    said = audio.join(audio.silence(0.5), audio.voice(1, 2.0), audio.silence(0.5))
    heard = in_daemon.embed(said)
    assert heard is not None
    np.testing.assert_array_equal(streamed.embed(said), heard)


def test_where_there_is_none_a_daemon_hears_nothing_but_an_encoder_is_given_everything(
    in_daemon: DaemonEmbedding, streamed: StreamedEmbedding
) -> None:
    assert in_daemon.embed(HUM) is None
    embedding = streamed.embed(HUM)
    assert embedding is not None
    assert embedding.shape == (192,)
    assert np.isfinite(embedding).all()


def test_less_than_a_step_has_no_embedding(streamed: StreamedEmbedding) -> None:
    assert streamed.embed(HUM[: 7 * HOP_SAMPLES]) is None
    assert streamed.embed(HUM[:0]) is None
