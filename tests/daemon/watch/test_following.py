from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config import AttemptsConfig, Config, VadConfig
from daemon.events import (
    AttemptDecided,
    AttemptEvent,
    AttemptFollowed,
    AttemptStarted,
    Locked,
    Outcome,
    Reason,
    SpeakerChanged,
    WatchEvent,
)
from daemon.session import Encode, run
from daemon.speakers import Speaker
from daemon.watch.session import WatchSession
from models.features import SAMPLE_RATE, Waveform
from tests import audio
from tests.fakes import FakeEncoder, enroll, fake_calibration

ENCODER = FakeEncoder()
# Little of the room around the speech: the fake encoder is easily led astray.
CONFIG = Config(vad=VadConfig(kind="webrtc", pre_roll_ms=50, hang_over_ms=100))
ANNA = enroll("anna", audio.voice(0, 4.0), encoder=ENCODER)
BEN = enroll("ben", audio.voice(1, 4.0), encoder=ENCODER)
ROOM = audio.noise(1.5, level=-75.0)
"""So quiet that nothing in it is taken for speech."""
CARLA = audio.voice(3, 4.0)
"""Who is not enrolled."""


def session(*, speakers: Sequence[Speaker] = (ANNA, BEN), config: Config = CONFIG) -> WatchSession:
    return WatchSession(ENCODER.initial_state(), speakers, config, fake_calibration())


def advance(watch: WatchSession, *parts: Waveform) -> list[WatchEvent]:
    watch.feed(audio.join(*parts))
    return list(run(watch, ENCODER))


def hear(*parts: Waveform, config: Config = CONFIG) -> list[WatchEvent]:
    watch = session(config=config)
    watch.feed(audio.join(ROOM, *parts))
    watch.finish()
    return list(run(watch, ENCODER))


def course(events: Sequence[WatchEvent]) -> list[AttemptEvent]:
    """Return what became of the attempts, without what is not final."""
    kept = AttemptStarted | AttemptDecided | AttemptFollowed | SpeakerChanged | Locked
    of_attempts = [event for event in events if isinstance(event, kept)]
    return [event for event in of_attempts if not isinstance(event, AttemptDecided | AttemptFollowed) or event.decision.final]


def anna(seconds: float, take: int = 1) -> Waveform:
    return audio.voice(0, seconds, take=take)


def kinds(events: Sequence[WatchEvent]) -> list[type[WatchEvent]]:
    return [type(event) for event in course(events)]


def test_who_speaks_on_is_followed_until_they_pause() -> None:
    started, decided, *followed, locked = course(hear(anna(9.0), ROOM))
    assert isinstance(started, AttemptStarted)
    assert isinstance(decided, AttemptDecided)
    assert decided.decision.outcome is Outcome.ACCEPT
    assert locked == Locked(locked.at, 1, "anna", Reason.VOICE_LOST)
    assert locked.at == pytest.approx(len(ROOM) + 10 * SAMPLE_RATE, abs=1_600)
    assert {type(event) for event in followed} == {AttemptFollowed}


def test_who_speaks_on_is_accepted_anew_by_what_they_say_now() -> None:
    renewals = [event for event in course(hear(anna(9.0), ROOM)) if isinstance(event, AttemptFollowed)]
    assert len(renewals) >= 3
    for event in renewals:
        assert event.decision.outcome is Outcome.ACCEPT
        assert event.decision.candidates[0].speaker == "anna"
        # Of the latest two seconds alone.
        assert event.decision.evidence.speech <= 2 * SAMPLE_RATE + 1_280
    assert all(later.at - earlier.at >= 2 * SAMPLE_RATE for earlier, later in pairwise(renewals))


def test_what_is_made_of_who_is_followed_is_told_as_often_as_of_an_attempt() -> None:
    followed = [event for event in hear(anna(6.0)) if isinstance(event, AttemptFollowed)]
    assert {later.at - earlier.at for earlier, later in pairwise(followed)} <= {3_840, 2_560, 1_280}
    assert len(followed) > 15


def test_a_short_pause_is_no_end() -> None:
    events = hear(anna(2.0), audio.noise(0.7, level=-75.0), anna(3.0, take=2), ROOM)
    assert [event.attempt for event in events if isinstance(event, AttemptStarted)] == [1]
    assert sum(isinstance(event, Locked) for event in events) == 1


def test_a_stranger_is_noticed_and_locks() -> None:
    events = course(hear(anna(4.0), CARLA, ROOM))
    place = next(place for place, event in enumerate(events) if isinstance(event, SpeakerChanged))
    changed, locked, started, decided = events[place : place + 4]
    assert isinstance(changed, SpeakerChanged)
    assert (changed.attempt, changed.speaker) == (1, "anna")
    assert changed.llr < 0.0
    assert changed.evidence.speech > SAMPLE_RATE
    assert 0 < changed.at - (len(ROOM) + 4 * SAMPLE_RATE) <= 2.5 * SAMPLE_RATE
    assert locked == Locked(changed.at, 1, "anna", Reason.SPEAKER_CHANGED)
    assert isinstance(started, AttemptStarted)
    assert started.attempt == 2
    assert isinstance(decided, AttemptDecided)
    assert decided.decision.outcome is Outcome.REJECT


def test_another_speaker_takes_over() -> None:
    events = course(hear(anna(4.0), audio.voice(1, 5.0, take=1), ROOM))
    place = next(place for place, event in enumerate(events) if isinstance(event, SpeakerChanged))
    rest = events[place + 1 :]
    accepted = next(event for event in rest if isinstance(event, AttemptDecided))
    assert accepted.decision.outcome is Outcome.ACCEPT
    assert accepted.decision.candidates[0].speaker == "ben"
    assert events[-1] == Locked(events[-1].at, accepted.attempt, "ben", Reason.VOICE_LOST)
    # Either there was enough of them to hand over at once, or nobody was accepted for a moment.
    between = [type(event) for event in rest[: rest.index(accepted)]]
    assert between in ([AttemptStarted], [Locked, AttemptStarted])


def test_a_hand_over_begins_where_the_other_was_first_heard() -> None:
    config = CONFIG.model_copy(update={"attempts": AttemptsConfig(view_seconds=0.8)})
    events = course(hear(anna(4.0), audio.voice(1, 5.0, take=1), ROOM, config=config))
    place = next(place for place, event in enumerate(events) if isinstance(event, SpeakerChanged))
    changed, started, decided = events[place : place + 3]
    assert isinstance(started, AttemptStarted)
    assert started.attempt == changed.attempt + 1
    assert len(ROOM) + 4 * SAMPLE_RATE < started.offset <= changed.at
    assert isinstance(decided, AttemptDecided)
    assert (decided.at, decided.attempt, decided.decision.final) == (changed.at, started.attempt, True)
    assert decided.decision.candidates[0].speaker == "ben"


def test_without_following_the_next_attempt_begins() -> None:
    config = CONFIG.model_copy(update={"attempts": AttemptsConfig(follow=False)})
    assert set(kinds(hear(anna(4.0), CARLA, ROOM, config=config))) == {AttemptStarted, AttemptDecided}


def test_who_is_deleted_is_followed_no_longer() -> None:
    watch = session()
    assert kinds(advance(watch, ROOM, anna(2.0))) == [AttemptStarted, AttemptDecided]
    watch.set_speakers([BEN])
    locked, started, *_ = course(advance(watch, anna(0.5, take=2)))
    assert locked == Locked(locked.at, 1, "anna", Reason.SPEAKER_DELETED)
    assert isinstance(started, AttemptStarted)


@pytest.mark.parametrize("asked_after", [SpeakerChanged, AttemptStarted])
def test_nobody_takes_over_who_was_deleted_a_moment_ago(asked_after: type[WatchEvent]) -> None:
    config = CONFIG.model_copy(update={"attempts": AttemptsConfig(view_seconds=0.8)})
    watch = session(config=config)
    advance(watch, ROOM, anna(4.0))
    watch.feed(audio.join(audio.voice(1, 3.0, take=1), ROOM))
    told: list[WatchEvent] = []
    while (due := watch.poll()) is not None:
        if isinstance(due, Encode):
            watch.encoded(ENCODER.step(due.frames[np.newaxis], due.state))
            continue
        told.append(due)
        if isinstance(due, asked_after):
            watch.set_speakers([ANNA])
    final = [event for event in told if isinstance(event, AttemptDecided) and event.decision.final]
    assert final
    assert not [event for event in final if event.decision.outcome is Outcome.ACCEPT]
    assert [event.attempt for event in told if isinstance(event, Locked)] == [1]


@pytest.mark.parametrize("end", [WatchSession.cut, WatchSession.pause, WatchSession.finish])
def test_whatever_ends_an_attempt_ends_following(end: object) -> None:
    watch = session()
    advance(watch, ROOM, anna(2.0))
    assert callable(end)
    end(watch)
    (locked,) = course(list(run(watch, ENCODER)))
    assert locked == Locked(locked.at, 1, "anna", Reason.VOICE_LOST)


def test_every_acceptance_ends() -> None:
    events = course(hear(anna(3.0), CARLA, ROOM, anna(1.5, take=2), ROOM, audio.voice(1, 3.0, take=3)))
    open_ = 0
    for event in events:
        open_ -= isinstance(event, Locked)
        assert open_ >= 0
        if isinstance(event, AttemptDecided) and event.decision.outcome is Outcome.ACCEPT:
            open_ = 1
    assert open_ == 0


def test_following_takes_as_many_steps_as_an_attempt() -> None:
    def steps(*, follow: bool) -> int:
        watch = session(config=CONFIG.model_copy(update={"attempts": AttemptsConfig(follow=follow)}))
        watch.feed(audio.join(ROOM, anna(8.0)))
        count = 0
        while (due := watch.poll()) is not None:
            if isinstance(due, Encode):
                count += 1
                watch.encoded(ENCODER.step(due.frames[np.newaxis], due.state))
        return count

    assert steps(follow=True) <= steps(follow=False) + 8


MIXED = audio.join(ROOM, audio.voice(0, 2.6, take=1), audio.voice(1, 2.8, take=1), audio.voice(3, 2.4), audio.silence(1.203))
WHOLE = hear(MIXED)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, len(MIXED)), max_size=12))
def test_events_do_not_depend_on_how_the_audio_is_cut(cuts: list[int]) -> None:
    watch = session()
    events = advance(watch, ROOM)
    for start, end in pairwise([0, *sorted(cuts), len(MIXED)]):
        events += advance(watch, MIXED[start:end])
    watch.finish()
    assert [*events, *run(watch, ENCODER)] == WHOLE
