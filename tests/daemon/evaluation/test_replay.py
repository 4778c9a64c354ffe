"""An attempt that is replayed ends as its own session would end it, event for event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from daemon.config import Config
from daemon.evaluation.heard import hear
from daemon.evaluation.replay import Decisions, Replay
from daemon.events import Decision, Outcome, Reason
from daemon.session import VerificationSession, run
from daemon.speakers import Speaker
from models.calibration.calibration import Calibration
from models.features import SAMPLE_RATE, Waveform
from tests.audio import join, noise, silence, voice
from tests.fakes import PLAIN_VAD, FakeEncoder, enroll, fake_calibration

ENCODER = FakeEncoder()
SPEAKERS = [enroll(f"speaker{seed}", voice(seed, 3.0), encoder=ENCODER) for seed in range(4)]
SOUNDS = {
    "a voice": voice(0, 3.0, take=1),
    "a stranger": voice(17, 3.0),
    "little speech": voice(1, 0.3, take=1),
    "silence": silence(1.0),
    "nothing": silence(0.0),
    "two in turns": join(voice(2, 1.5, take=1), silence(0.7), voice(3, 1.5, take=1)),
    "noise around": join(noise(0.5), voice(1, 2.0, take=2) + noise(2.0, level=-30.0), noise(0.5)),
    "more than is heard": join(voice(19, 1.5), silence(0.6), voice(3, 1.5, take=1)),
}


def config(**decision: float) -> Config:
    changes = {"decision": Config().decision.model_copy(update=decision), "vad": PLAIN_VAD}
    return Config().model_copy(update=changes)


def session(sound: Waveform, speakers: Sequence[Speaker], settings: Config, calibration: Calibration) -> Decision:
    """Return how the attempt ends in the daemon's own session."""
    attempt = VerificationSession(ENCODER.initial_state(), speakers, settings, calibration, interim=False, wait_for_end=False)
    attempt.feed(sound)
    attempt.finish()
    *_, last = run(attempt, ENCODER)
    assert isinstance(last, Decision)
    return last


def replay(sound: Waveform, own: int | None, settings: Config, calibration: Calibration) -> Decisions:
    enough = round(settings.decision.speech_seconds * SAMPLE_RATE)
    heard = hear(sound, ENCODER, settings.vad, enough, settings.decision.pause_seconds)
    return Replay(SPEAKERS, settings.decision, calibration).decide(heard, own)


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize(
    ("settings", "calibration"),
    [
        (config(), fake_calibration()),
        (config(false_accept_rate=1e-4, false_reject_rate=0.2, min_speech_seconds=1.0), fake_calibration()),
        # Boundaries so far apart that nothing is decided before the end.
        (config(speech_seconds=2.0), fake_calibration(accept=2.0, reject=-2.0)),
        # So close that who is asked for first decides, and voices are alike.
        (config(ambiguous_llr=40.0), fake_calibration(accept=0.1, reject=0.05)),
        # Ended by a pause between two voices, or before any.
        (config(pause_seconds=0.5), fake_calibration(accept=2.0, reject=-2.0)),
    ],
)
def test_an_attempt_ends_as_in_its_session(sound: str, settings: Config, calibration: Calibration) -> None:
    decisions = replay(SOUNDS[sound], 2, settings, calibration)
    assert decisions.claims == [session(SOUNDS[sound], [speaker], settings, calibration) for speaker in SPEAKERS]
    assert decisions.known == session(SOUNDS[sound], SPEAKERS, settings, calibration)
    assert decisions.unknown == session(SOUNDS[sound], SPEAKERS[:2] + SPEAKERS[3:], settings, calibration)


def test_a_voice_is_accepted_as_its_own_and_rejected_as_others() -> None:
    decisions = replay(SOUNDS["a voice"], 0, config(), fake_calibration())
    assert [decision.outcome for decision in decisions.claims] == [Outcome.ACCEPT, *[Outcome.REJECT] * 3]
    assert decisions.known is not None
    assert decisions.known.candidates[0].speaker == "speaker0"


def test_a_stranger_is_tried_at_everybody() -> None:
    decisions = replay(SOUNDS["a stranger"], None, config(), fake_calibration())
    assert decisions.known is None
    assert decisions.unknown == session(SOUNDS["a stranger"], SPEAKERS, config(), fake_calibration())


def test_with_one_enrolled_there_is_nobody_else() -> None:
    heard = hear(SOUNDS["a voice"], ENCODER, PLAIN_VAD, 10 * SAMPLE_RATE)
    decisions = Replay(SPEAKERS[:1], Config().decision, fake_calibration()).decide(heard, 0)
    assert decisions.unknown is None
    assert decisions.known == decisions.claims[0]


def test_an_attempt_ends_with_its_budget() -> None:
    settings = config(speech_seconds=2.0)
    heard = hear(SOUNDS["more than is heard"], ENCODER, settings.vad, 2 * SAMPLE_RATE)
    assert heard.ended is Reason.SPEECH_BUDGET_SPENT
    (claim, *_) = Replay(SPEAKERS, settings.decision, fake_calibration(accept=2.0, reject=-2.0)).decide(heard, None).claims
    assert claim.reason is Reason.SPEECH_BUDGET_SPENT
    assert 2.0 <= claim.evidence.speech / SAMPLE_RATE < 2.2


def test_a_recording_is_heard_whole_if_it_is_short() -> None:
    heard = hear(SOUNDS["a voice"], ENCODER, PLAIN_VAD, 8 * SAMPLE_RATE)
    assert heard.ended is Reason.AUDIO_ENDED
    assert heard.embeddings.shape == (len(heard.looks), 192)
    assert heard.end.embedding is not None
    assert np.array_equal(heard.embeddings[-1], heard.end.embedding)
