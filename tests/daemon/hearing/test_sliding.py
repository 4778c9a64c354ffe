from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from daemon.hearing.sliding import SlidingView, forgetting
from models.backends import load_encoder
from models.encoder import POOLED, Embedding, Encoder, State
from models.features import MEL_BINS, FeatureStream, Frames
from tests import audio
from tests.fakes import FakeEncoder

STEPS = 5


@pytest.fixture(scope="module", params=["edge", "fake"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return FakeEncoder() if request.param == "fake" else load_encoder(request.param, "onnxruntime")


def speech(steps: int) -> list[Frames]:
    """Two voices, in steps of (1, 8, 80)."""
    frames = FeatureStream().push(audio.join(audio.voice(0, 0.05 * steps), audio.voice(1, 0.05 * steps)))
    return [frames[np.newaxis, 8 * step : 8 * step + 8] for step in range(steps)]


def slide(encoder: Encoder, frames: Sequence[Frames], view: SlidingView) -> list[tuple[State, Embedding]]:
    """Return the states that each step followed, and the embeddings of the view."""
    state, seen = encoder.initial_state(), []
    for step in frames:
        before = view.before(state)
        state, embedding = encoder.step(step, before)
        view.hear(before, state)
        seen.append((before, embedding))
    return seen


def test_a_view_is_pooled_from_its_steps_alone(encoder: Encoder) -> None:
    frames = speech(30)
    seen = slide(encoder, frames, SlidingView(STEPS))
    empty = encoder.initial_state()[-POOLED:]
    for last in range(30):
        first = max(0, last - STEPS + 1)
        state = (*seen[first][0][:-POOLED], *empty)
        embeddings = []
        for step in frames[first : last + 1]:
            state, embedding = encoder.step(step, state)
            embeddings.append(embedding)
        np.testing.assert_allclose(seen[last][1], embeddings[-1], rtol=1e-4, atol=1e-4)


def test_a_view_that_is_not_full_is_of_everything(encoder: Encoder) -> None:
    state = encoder.initial_state()
    for step, (_, of_view) in zip(speech(20), slide(encoder, speech(20), SlidingView(50)), strict=True):
        state, embedding = encoder.step(step, state)
        np.testing.assert_allclose(of_view, embedding, rtol=1e-4, atol=1e-4)


def test_steps_may_be_heard_that_followed_everything(encoder: Encoder) -> None:
    # As in an attempt, whose embedding is of all that was said in it.
    frames = speech(20)
    state, view = encoder.initial_state(), SlidingView(STEPS)
    for step in frames[:-1]:
        before, (state, _) = state, encoder.step(step, state)
        view.hear(before, state)
    assert view.full
    of_view = encoder.step(frames[-1], view.before(state)).embedding
    np.testing.assert_allclose(of_view, slide(encoder, frames, SlidingView(STEPS))[-1][1], rtol=1e-3, atol=1e-3)


def test_no_rounding_adds_up(encoder: Encoder) -> None:
    view, (step,) = SlidingView(STEPS), speech(1)
    embeddings = [embedding for _, embedding in slide(encoder, [step] * 400, view)]
    assert np.ptp(np.stack(embeddings[-20:]), axis=0).max() < 1e-2 * np.abs(embeddings[-1]).max()


def test_what_left_the_view_is_forgotten() -> None:
    encoder = FakeEncoder()
    loud = [np.full((1, 8, MEL_BINS), 1e4, dtype=np.float32)] * 100
    after = slide(encoder, [*loud, *speech(10)], SlidingView(STEPS))[-1][1]
    np.testing.assert_allclose(after, slide(encoder, speech(10), SlidingView(STEPS))[-1][1], rtol=1e-5, atol=1e-5)


def test_running_means_keep_their_value_and_lose_their_weight() -> None:
    total, count, other = (np.array(part, dtype=np.float32) for part in ([[6.0, 12.0]], [[3.0]], [[[1.0, 2.0]]]))
    means = forgetting((other, total, count), memory=1.5)
    for part, expected in zip(means, (other, [[3.0, 6.0]], [[1.5]]), strict=True):
        np.testing.assert_array_equal(part, expected)
    for part, expected in zip(forgetting((other, total, count), memory=3.0), (other, total, count), strict=True):
        np.testing.assert_array_equal(part, expected)


def test_a_model_has_the_parts_that_a_view_needs() -> None:
    encoder = load_encoder("edge", "onnxruntime")
    state = encoder.initial_state()
    weights, *weighted = state[-POOLED:]
    assert [part.shape for part in weighted] == [weights.shape] * 2
    assert any(part.shape == (1, 1) for part in state[:-POOLED])
    # What a step adds to what is pooled does not depend on it.
    (frames,) = speech(1)
    alone = encoder.step(frames, state).state
    more = encoder.step(frames, (*state[:-POOLED], *(part + 1 for part in state[-POOLED:]))).state
    for part, other in zip(alone[-POOLED:], more[-POOLED:], strict=True):
        np.testing.assert_allclose(part, other - 1, rtol=1e-5, atol=1e-4)


def test_memory_bounds_the_running_means(encoder: Encoder) -> None:
    counts = [
        part
        for before, _ in slide(encoder, speech(40), SlidingView(STEPS, memory=50.0))
        for part in before[:-POOLED]
        if part.shape == (1, 1)
    ]
    assert max(float(count[0, 0]) for count in counts) == 50.0
