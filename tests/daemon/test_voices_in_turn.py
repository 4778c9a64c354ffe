"""The shipped model and its calibration follow the shipped voices: in turn, at once, and from afar."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from daemon.config import Config
from daemon.enrollment.session import EnrollmentSession
from daemon.events import AttemptDecided, AttemptFollowed, Locked, Outcome, Reason, SpeakerChanged, WatchEvent
from daemon.session import run
from daemon.speakers import Speaker
from daemon.watch.session import WatchSession
from models.audio import read_audio
from models.backends import load_encoder
from models.calibration.calibration import calibration_path, read_calibration
from models.features import SAMPLE_RATE, Waveform
from models.weights import read_card
from tests.audio import join, silence
from tests.fakes import ENROLLED

VOICES = Path(__file__).parents[2] / "clients" / "voices"
CONFIG = Config()
ENCODER = load_encoder(CONFIG.model.name, CONFIG.model.backend)
CALIBRATION = read_calibration(calibration_path(read_card(CONFIG.model.name)), ENCODER.model_id)


def recording(speaker: str, number: int) -> Waveform:
    """Return what is said in it, without the silence around it, all of the same loudness."""
    samples = read_audio(VOICES / speaker / f"{number}.opus")
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    said = samples[loud[0] : loud[-1]]
    scaled: Waveform = (said * (0.05 / np.sqrt(np.mean(said**2)))).astype(np.float32)
    return scaled


def far(samples: Waveform, level: float) -> Waveform:
    """Return it as from the other end of a room, at a level in dB relative to what it was."""
    length = round(0.6 * SAMPLE_RATE)
    tail = np.random.default_rng(1).normal(size=length) * np.exp(-6.9 * np.arange(length) / length)
    heard = np.convolve(samples, tail / np.linalg.norm(tail))[: len(samples)] * 10 ** (level / 20)
    return heard.astype(np.float32)


def at_once(*parts: Waveform) -> Waveform:
    shortest = min(map(len, parts))
    mixed: Waveform = np.sum([part[:shortest] for part in parts], axis=0, dtype=np.float32)
    return mixed


@cache
def enroll(speaker: str) -> Speaker:
    session = EnrollmentSession(ENCODER.initial_state(), ENCODER.model_id, CONFIG, CALIBRATION)
    for number in (1, 2, 3):
        if number > 1:
            session.next_recording()
        session.feed(read_audio(VOICES / speaker / f"{number}.opus"))
    session.finish()
    assert all(run(session, ENCODER))
    return Speaker(speaker, session.result((), name=speaker, allow_similar=False), ENROLLED, ENROLLED)


def hear(samples: Waveform, *enrolled: str) -> list[WatchEvent]:
    watch = WatchSession(ENCODER.initial_state(), [enroll(speaker) for speaker in enrolled], CONFIG, CALIBRATION)
    watch.feed(join(silence(1.0), samples, silence(1.5)))
    watch.finish()
    return list(run(watch, ENCODER))


def accepted(events: Sequence[WatchEvent]) -> list[tuple[str, int]]:
    """Return who was accepted, anew too, and at which sample."""
    finals = [event for event in events if isinstance(event, AttemptDecided | AttemptFollowed) and event.decision.final]
    return [(event.decision.candidates[0].speaker, event.at) for event in finals if event.decision.outcome is Outcome.ACCEPT]


def test_another_speaker_takes_over() -> None:
    first, second = recording("1-slt", 4), recording("2-rms", 4)
    begins = SAMPLE_RATE + len(first)
    events = hear(join(first, second), "1-slt", "2-rms")
    changed, *more = [event for event in events if isinstance(event, SpeakerChanged)]
    assert more == []
    assert changed.speaker == "1-slt"
    # The view of the latest speech holds two seconds.
    assert begins < changed.at <= begins + 4 * SAMPLE_RATE
    who = [speaker for speaker, _ in accepted(events)]
    assert who == sorted(who)
    assert set(who) == {"1-slt", "2-rms"}


def test_a_stranger_is_not_followed() -> None:
    first, second = recording("1-slt", 4), recording("3-awb", 1)
    begins = SAMPLE_RATE + len(first)
    events = hear(join(first, second), "1-slt", "2-rms")
    assert [event.speaker for event in events if isinstance(event, SpeakerChanged)] == ["1-slt"]
    assert Reason.SPEAKER_CHANGED in {event.reason for event in events if isinstance(event, Locked)}
    assert all(at <= begins + 2.5 * SAMPLE_RATE for _, at in accepted(events))


def test_who_speaks_on_is_not_taken_for_another() -> None:
    events = hear(join(*(recording("1-slt", number) for number in (4, 1, 2, 3, 4))), "1-slt", "2-rms")
    assert not [event for event in events if isinstance(event, SpeakerChanged)]
    assert [event.reason for event in events if isinstance(event, Locked)] == [Reason.VOICE_LOST]
    assert len(accepted(events)) > 3


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(at_once(recording("2-rms", 4), recording("3-awb", 1)), id="two strangers at once"),
        pytest.param(far(recording("2-rms", 4), -12.0), id="a stranger far away"),
        pytest.param(at_once(recording("3-awb", 1), far(recording("1-slt", 4), -15.0)), id="a stranger, and the speaker far behind"),
    ],
)
def test_nobody_is_accepted_who_is_not_there_or_not_near(sound: Waveform) -> None:
    events = hear(sound, "1-slt")
    assert accepted(events) == []
    finals = [event.decision for event in events if isinstance(event, AttemptDecided) and event.decision.final]
    assert finals
    assert all(decision.evidence.speech > 0 and decision.evidence.snr != 0.0 for decision in finals)
    assert {decision.outcome for decision in finals} <= {Outcome.REJECT, Outcome.UNDECIDED}


def test_who_is_accepted_is_followed_no_further_than_they_are_heard() -> None:
    talk = recording("2-rms", 4), recording("3-awb", 1)
    events = hear(join(recording("1-slt", 4), at_once(*talk)), "1-slt")
    end = SAMPLE_RATE + len(recording("1-slt", 4))
    assert [event.speaker for event in events if isinstance(event, SpeakerChanged)] == ["1-slt"]
    assert all(at <= end + 2.5 * SAMPLE_RATE for _, at in accepted(events))
