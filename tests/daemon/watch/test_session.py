from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config import AttemptsConfig, Config, DecisionConfig, VadConfig
from daemon.events import AttemptDecided, AttemptStarted, ClippingChanged, Level, Outcome, Reason, SilenceChanged, WatchEvent
from daemon.session import Encode, VerificationSession, run
from daemon.speakers import Speaker
from daemon.watch.session import WatchSession
from models.features import SAMPLE_RATE, Waveform
from tests import audio
from tests.fakes import FakeEncoder, enroll, fake_calibration

ENCODER = FakeEncoder()
CALIBRATION = fake_calibration()
CONFIG = Config(
    # Little of the room around the speech: the fake encoder is easily led astray.
    vad=VadConfig(kind="webrtc", start_ms=60, pre_roll_ms=50, hang_over_ms=100),
    decision=DecisionConfig(min_speech_seconds=1.0),
)
APART = CONFIG.model_copy(update={"attempts": AttemptsConfig(follow=False)})
"""Nobody is followed: each attempt is followed by another."""
ANNA = enroll("anna", audio.voice(0, 4.0), encoder=ENCODER)
BEN = enroll("ben", audio.voice(1, 4.0), encoder=ENCODER)
ROOM = audio.noise(1.5, level=-75.0)
"""So quiet that nothing in it is taken for speech."""
OWNER = audio.join(ROOM, audio.voice(0, 0.8, take=1), ROOM)
"""Less speech than a decision needs."""


def session(*, speakers: Sequence[Speaker] = (ANNA, BEN), config: Config = CONFIG) -> WatchSession:
    return WatchSession(ENCODER.initial_state(), speakers, config, CALIBRATION)


def advance(watch: WatchSession, samples: Waveform) -> list[WatchEvent]:
    watch.feed(samples)
    return list(run(watch, ENCODER))


def hear(samples: Waveform, *, speakers: Sequence[Speaker] = (ANNA, BEN), config: Config = CONFIG) -> list[WatchEvent]:
    watch = session(speakers=speakers, config=config)
    watch.feed(samples)
    watch.finish()
    return list(run(watch, ENCODER))


def finals(events: list[WatchEvent]) -> list[AttemptDecided]:
    return [event for event in events if isinstance(event, AttemptDecided) and event.decision.final]


def starts(events: list[WatchEvent]) -> list[AttemptStarted]:
    return [event for event in events if isinstance(event, AttemptStarted)]


def outcomes(events: list[WatchEvent]) -> list[Outcome]:
    return [event.decision.outcome for event in finals(events)]


def test_an_attempt_begins_where_speech_begins() -> None:
    (started,) = starts(hear(OWNER))
    assert started.attempt == 1
    assert started.offset == pytest.approx(len(ROOM), abs=320)
    assert 0 < started.at - started.offset <= 2 * 60 * 16


def test_an_attempt_that_says_little_is_decided_after_a_pause() -> None:
    (decided,) = finals(hear(OWNER))
    assert (decided.attempt, decided.decision.reason, decided.decision.candidates[0].speaker) == (1, Reason.NOT_ENOUGH_SPEECH, "anna")
    assert decided.at == decided.decision.at == pytest.approx(len(ROOM) + (0.8 + 1.0) * SAMPLE_RATE, abs=1_600)


def test_a_shorter_silence_than_the_pause_belongs_to_the_attempt() -> None:
    speech = audio.join(audio.voice(0, 0.4, take=1), audio.noise(0.7, level=-75.0), audio.voice(0, 0.4, take=2))
    events = hear(audio.join(ROOM, speech, ROOM))
    assert len(starts(events)) == 1
    (decided,) = finals(events)
    assert decided.decision.evidence.speech >= 0.75 * SAMPLE_RATE


def test_after_the_pause_the_next_speech_is_another_attempt() -> None:
    events = hear(audio.join(OWNER, OWNER))
    assert [event.attempt for event in starts(events)] == [1, 2]
    assert [event.attempt for event in finals(events)] == [1, 2]


def test_the_evidence_decides_at_once() -> None:
    first = finals(hear(audio.join(ROOM, audio.voice(0, 3.0, take=1))))[0]
    assert first.decision.outcome is Outcome.ACCEPT
    assert 16_000 <= first.decision.evidence.speech < 18_000
    rejected = finals(hear(audio.join(ROOM, audio.voice(3, 4.0))))[0]
    assert rejected.decision.outcome is Outcome.REJECT
    assert 16_000 <= rejected.decision.evidence.speech < 18_000


def test_who_speaks_on_is_judged_anew() -> None:
    events = hear(audio.join(ROOM, audio.voice(0, 1.3, take=1), audio.voice(1, 4.0, take=1), ROOM), config=APART)
    names = [event.decision.candidates[0].speaker for event in finals(events) if event.decision.outcome is Outcome.ACCEPT]
    # The second attempt hears the end of the one and the beginning of the other.
    assert (names[0], names[-1]) == ("anna", "ben")
    for decided, started in zip(finals(events), starts(events)[1:], strict=False):
        assert started.offset >= decided.at - 160


@pytest.mark.parametrize("seed", [0, 3])
def test_an_attempt_is_decided_as_a_verification_is(seed: int) -> None:
    speech = audio.join(ROOM, audio.voice(seed, 3.0, take=1))
    verification = VerificationSession(ENCODER.initial_state(), [ANNA, BEN], CONFIG, CALIBRATION, interim=False, wait_for_end=False)
    verification.feed(speech)
    expected = list(run(verification, ENCODER))[-1]
    assert finals(hear(speech))[0].decision == expected


def test_the_next_attempt_knows_nothing_of_the_last() -> None:
    speech = audio.voice(0, 4.0, take=1)
    both = finals(hear(speech, config=APART))
    assert both[1].decision.evidence.speech < 18_000
    # Half a hop more or less would be another utterance: the second attempt alone, from its first hop on.
    offset = starts(hear(speech, config=APART))[1].offset
    watch = session(config=APART)
    watch.feed(speech[offset:])
    watch.finish()
    alone = finals(list(run(watch, ENCODER)))[0]
    assert both[1].decision.candidates[0].score == pytest.approx(alone.decision.candidates[0].score, abs=0.05)


def _boundary(event: AttemptDecided) -> float:
    decision = event.decision
    return decision.candidates[0].llr - decision.margin_accept


def test_a_stranger_who_speaks_on_meets_a_higher_boundary_each_time() -> None:
    boundaries = [_boundary(event) for event in finals(hear(audio.join(ROOM, audio.voice(3, 8.0), ROOM)))]
    rates = [CONFIG.decision.false_accept_rate / 2**failed for failed in range(len(boundaries))]
    assert len(boundaries) > 3
    expected = [CALIBRATION.boundaries.pair(rate, CONFIG.decision.false_reject_rate, 2).accept for rate in rates]
    assert boundaries == pytest.approx(expected, abs=1e-6)
    assert boundaries == sorted(set(boundaries))


@pytest.mark.parametrize("pause", [0.4, 1.5])
def test_only_a_pause_makes_up_for_failed_attempts(pause: float) -> None:
    spoken = audio.join(ROOM, audio.voice(3, 2.5), audio.noise(pause, level=-75.0))
    events = finals(hear(audio.join(spoken, audio.voice(3, 1.5), ROOM)))
    after = next(event for event in events if event.at > len(spoken))
    assert (_boundary(after) == pytest.approx(_boundary(events[0]), abs=1e-6)) == (pause >= CONFIG.attempts.pause_seconds)


def test_an_attempt_ends_when_its_speech_is_used_up() -> None:
    double = enroll("anna's double", audio.voice(0, 4.0, take=7), encoder=ENCODER)
    config = CONFIG.model_copy(update={"attempts": AttemptsConfig(speech_seconds=3.0)})
    events = hear(audio.voice(0, 8.0, take=1), speakers=(ANNA, double), config=config)
    assert outcomes(events) == [Outcome.AMBIGUOUS] * 3
    assert [event.decision.evidence.speech // SAMPLE_RATE for event in finals(events)[:2]] == [3, 3]


@pytest.mark.parametrize("ending", [ROOM, audio.silence(0.0)], ids=["pause", "end"])
def test_what_is_undecided_when_an_attempt_ends_tells_why_it_ended(ending: Waveform) -> None:
    watch = WatchSession(ENCODER.initial_state(), (ANNA, BEN), CONFIG, fake_calibration(accept=1.1, reject=-1.1))
    told = advance(watch, audio.join(ROOM, audio.voice(0, 1.3, take=1), ending))
    watch.finish()
    (decided,) = finals([*told, *run(watch, ENCODER)])
    assert decided.decision.outcome is Outcome.UNDECIDED
    assert decided.decision.reason is (Reason.SPEECH_PAUSED if len(ending) else Reason.AUDIO_ENDED)


def test_a_voice_that_stays_between_the_boundaries_uses_its_speech_up() -> None:
    config = CONFIG.model_copy(update={"attempts": AttemptsConfig(speech_seconds=2.0)})
    watch = WatchSession(ENCODER.initial_state(), (ANNA, BEN), config, fake_calibration(accept=1.1, reject=-1.1))
    (decided,) = finals(advance(watch, audio.voice(0, 3.0, take=1)))
    assert (decided.decision.outcome, decided.decision.reason) == (Outcome.UNDECIDED, Reason.SPEECH_BUDGET_SPENT)


def test_too_little_speech_is_undecided() -> None:
    (decided,) = finals(hear(audio.join(ROOM, audio.voice(0, 0.3), ROOM)))
    assert (decided.decision.outcome, decided.decision.reason) == (Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH)


def test_the_end_of_the_audio_decides() -> None:
    samples = audio.join(ROOM, audio.voice(0, 0.703, take=1))
    (decided,) = finals(hear(samples))
    assert (decided.decision.outcome, decided.at) == (Outcome.UNDECIDED, len(samples))


def test_with_nobody_enrolled_nothing_is_decided() -> None:
    events = hear(OWNER, speakers=())
    (decided,) = finals(events)
    assert (decided.decision.outcome, decided.decision.reason) == (Outcome.UNDECIDED, Reason.NO_SPEAKERS_ENROLLED)
    assert decided.decision.evidence.speech > 0


def test_interim_decisions_come_while_speech_goes_on() -> None:
    patient = CONFIG.model_copy(update={"decision": DecisionConfig(min_speech_seconds=2.0)})
    events = hear(audio.join(ROOM, audio.voice(3, 3.0)), config=patient)
    decided = [event for event in events if isinstance(event, AttemptDecided) and event.attempt == 1]
    assert [event.decision.final for event in decided] == [False] * (len(decided) - 1) + [True]
    # A step is 80 ms, so that 240 ms pass between two.
    assert {later.at - earlier.at for earlier, later in pairwise(decided[1:-1])} == {3_840}


def test_who_is_deleted_while_speaking_is_not_accepted() -> None:
    watch = session()
    speech = audio.join(ROOM, audio.voice(0, 4.0, take=1))
    half = len(ROOM) + round(0.9 * SAMPLE_RATE)
    assert not finals(advance(watch, speech[:half]))
    watch.set_speakers([BEN])
    watch.feed(speech[half:])
    watch.finish()
    decided = outcomes(list(run(watch, ENCODER)))
    assert decided[0] is Outcome.REJECT
    assert Outcome.ACCEPT not in decided


def test_who_is_deleted_while_the_encoder_works_is_not_accepted() -> None:
    watch = session()
    watch.feed(audio.join(ROOM, audio.voice(0, 1.6, take=1)))
    told = []
    while (due := watch.poll()) is not None:
        if isinstance(due, Encode):
            step = ENCODER.step(due.frames[np.newaxis], due.state)
            watch.set_speakers([])
            watch.encoded(step)
        else:
            told.append(due)
    watch.finish()
    assert set(outcomes([*told, *run(watch, ENCODER)])) == {Outcome.UNDECIDED}


def test_who_is_enrolled_while_speaking_is_accepted() -> None:
    watch = session(speakers=())
    speech = audio.join(ROOM, audio.voice(0, 3.0, take=1))
    advance(watch, speech[: len(ROOM) + SAMPLE_RATE])
    watch.set_speakers([ANNA])
    assert outcomes(advance(watch, speech[len(ROOM) + SAMPLE_RATE :]))[0] is Outcome.ACCEPT


def test_silence_costs_no_encoder_step() -> None:
    watch = session()
    watch.feed(audio.join(audio.silence(10.0), audio.noise(10.0, level=-75.0)))
    watch.finish()
    due = []
    while (found := watch.poll()) is not None:
        due.append(found)
    assert {type(found) for found in due} == {Level, SilenceChanged}
    assert watch.at == 20 * SAMPLE_RATE


def test_levels_come_at_their_interval() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)
    levels = [event for event in hear(audio.join(audio.silence(1.0), tone)) if isinstance(event, Level)]
    assert [level.at for level in levels] == [1_600 * number for number in range(1, 21)]
    assert (levels[0].rms, levels[0].peak) == (-120.0, -120.0)
    assert levels[-1].rms == pytest.approx(-9.03, abs=0.05)
    assert levels[-1].peak == pytest.approx(-6.02, abs=0.05)


def test_levels_tell_whether_someone_speaks() -> None:
    levels = [event for event in hear(audio.join(ROOM, audio.voice(0, 1.5), ROOM)) if isinstance(event, Level)]
    assert [level.speech for level in levels][:15] == [False] * 15
    assert [level.speech for level in levels][17:29] == [True] * 12
    assert levels[-1].speech is False


def test_an_attempt_can_be_cut() -> None:
    watch = session()
    speech = audio.join(ROOM, audio.voice(0, 0.8, take=1))
    assert not finals(advance(watch, speech))
    watch.cut()
    (decided,) = finals(list(run(watch, ENCODER)))
    assert (decided.decision.outcome, decided.at) == (Outcome.UNDECIDED, len(speech))
    (started,) = starts(advance(watch, audio.voice(0, 0.5, take=2)))
    # Nothing of what was before the gap belongs to the speech after it.
    assert started.offset >= len(speech)


def test_no_attempts_are_made_while_it_is_paused() -> None:
    watch = session()
    advance(watch, audio.join(ROOM, audio.voice(0, 0.7, take=1)))
    watch.pause()
    (decided,) = finals(list(run(watch, ENCODER)))
    assert decided.attempt == 1
    told = advance(watch, audio.voice(0, 2.0, take=1))
    assert {type(event) for event in told} == {Level}
    watch.resume()
    resumed = advance(watch, audio.voice(0, 2.0, take=2))
    assert starts(resumed)[0].attempt == 2
    assert outcomes(resumed)[0] is Outcome.ACCEPT


def test_a_step_that_was_asked_for_before_a_pause_disturbs_nothing() -> None:
    watch = session()
    watch.feed(audio.join(ROOM, audio.voice(0, 0.8, take=1)))
    while not isinstance(due := watch.poll(), Encode):
        assert due is not None
    watch.pause()
    watch.encoded(ENCODER.step(due.frames[np.newaxis], due.state))
    assert len(finals(list(run(watch, ENCODER)))) == 1


def test_attempts_are_counted_on() -> None:
    watch = WatchSession(ENCODER.initial_state(), (), CONFIG, CALIBRATION, attempts=7)
    assert starts(advance(watch, OWNER))[0].attempt == 8
    assert watch.attempts == 8


def test_a_muted_and_an_overdriven_microphone_are_told() -> None:
    loud = np.clip(audio.voice(0, 2.0) * 30, -1, 1).astype(np.float32)
    events = hear(audio.join(audio.silence(2.0), loud, audio.noise(2.0)))
    told = [event for event in events if isinstance(event, SilenceChanged | ClippingChanged)]
    assert told == [
        SilenceChanged(16_000, silent=True),
        SilenceChanged(32_160, silent=False),
        ClippingChanged(48_000, clipping=True),
        ClippingChanged(80_000, clipping=False),
    ]


MIXED = audio.join(audio.voice(0, 1.4, take=1), audio.voice(3, 1.2), audio.silence(1.203), audio.voice(1, 0.4))
WHOLE = hear(MIXED)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, len(MIXED)), max_size=12))
def test_events_do_not_depend_on_how_the_audio_is_cut(cuts: list[int]) -> None:
    watch = session()
    events: list[WatchEvent] = []
    for start, end in pairwise([0, *sorted(cuts), len(MIXED)]):
        events += advance(watch, MIXED[start:end])
    watch.finish()
    assert [*events, *run(watch, ENCODER)] == WHOLE


def test_hours_take_no_more_memory_than_minutes() -> None:
    tracemalloc.start()
    try:
        watch = session()
        # numpy keeps small arrays for later, more and more of them in the beginning.
        for _ in range(10):
            advance(watch, OWNER)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(4):
            advance(watch, OWNER)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The audio alone would take a million bytes; what the interpreter and numpy keep varies by some thousands.
    assert after - before < 50_000
