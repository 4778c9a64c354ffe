from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.capture_messages import (
    AttemptDecided,
    AttemptFollowed,
    AttemptStarted,
    Capture,
    CaptureChange,
    CaptureChanged,
    CaptureCounters,
    CaptureEvent,
    CaptureNews,
    CaptureState,
    Locked,
    SpeakerChanged,
    Subscribed,
)
from clients.errors import UnreachableError
from clients.lock_state import LockChange, LockConfig, LockReason, LockState
from clients.messages import Decision, Evidence, Outcome, Reason
from clients.subscription import Disconnected, Gap, SubscriptionEvent

NOW = datetime(2025, 1, 1, tzinfo=UTC)
CONFIG = LockConfig("door", frozenset({"ada", "eve"}), hold=5.0)
OPENED = LockChange(True, LockReason.ACCEPTED, "ada")
HARMLESS = {
    CaptureChange.STARTED,
    CaptureChange.RECOVERED,
    CaptureChange.SILENCE_ENDED,
    CaptureChange.CLIPPING_STARTED,
    CaptureChange.CLIPPING_ENDED,
}


def capture(state: CaptureState = CaptureState.LISTENING, name: str = "door") -> Capture:
    return Capture(name, "", state, "", 60.0, CaptureCounters())


def event(news: CaptureNews, sequence: int, *, name: str = "door", run_id: str = "one", time: datetime = NOW) -> CaptureEvent:
    return CaptureEvent(run_id, sequence, time, name, 2.5, news)


def subscribed(*captures: Capture, sequence: int = 1, run_id: str = "one") -> CaptureEvent:
    return event(Subscribed(captures or (capture(),), sequence), 0, name="", run_id=run_id)


def decided(
    sequence: int,
    outcome: Outcome = Outcome.ACCEPT,
    speaker: str = "ada",
    *,
    final: bool = True,
    age: float = 0.0,
    name: str = "door",
    run_id: str = "one",
    kind: type[AttemptDecided | AttemptFollowed] = AttemptDecided,
) -> CaptureEvent:
    time = NOW - timedelta(seconds=age)
    evidence = Evidence(1.0, 20.0, 0.0, 7000.0)
    decision = Decision(2.5, outcome, final, Reason.LLR_ABOVE_BOUNDARY, speaker, 0.75, 4.0, 0.98, 1.0, 6.0, None, evidence, ())
    expires = time + timedelta(seconds=5) if outcome is Outcome.ACCEPT and final else None
    return event(kind(1, decision, expires), sequence, name=name, run_id=run_id, time=time)


followed = partial(decided, kind=AttemptFollowed)


def speaker_changed(sequence: int) -> CaptureEvent:
    return event(SpeakerChanged(1, "ada", -3.0, Evidence(1.8, 20.0, 0.0, 7000.0)), sequence)


def locked(sequence: int, reason: Reason) -> CaptureEvent:
    return event(Locked(1, "ada", reason), sequence)


def changed(sequence: int, change: CaptureChange, state: CaptureState = CaptureState.LISTENING) -> CaptureEvent:
    return event(CaptureChanged(change, capture(state)), sequence)


def hear(state: LockState, *events: SubscriptionEvent, clock: float = 100.0) -> list[LockChange]:
    return [change for event in events if (change := state.hear(event, NOW, clock))]


@pytest.fixture
def state() -> LockState:
    """One that hears the capture, and is locked."""
    state = LockState(CONFIG)
    assert hear(state, subscribed()) == []
    assert not state.is_open(100.0)
    return state


@pytest.fixture
def opened(state: LockState) -> LockState:
    """One that ada opened, as event 2 at 100 s."""
    assert hear(state, decided(2)) == [OPENED]
    assert state.is_open(100.0)
    return state


def test_an_acceptance_holds_for_a_time(opened: LockState) -> None:
    assert opened.deadline == 105.0
    assert opened.is_open(104.999)
    assert opened.pass_time(104.999) is None
    assert not opened.is_open(105.0), "nobody need tell it"
    assert opened.pass_time(105.0) == LockChange(False, LockReason.HOLD_OVER)
    assert opened.pass_time(106.0) is None


def test_another_acceptance_prolongs_it(opened: LockState) -> None:
    assert hear(opened, decided(3), clock=103.0) == []
    assert opened.deadline == 108.0
    assert hear(opened, decided(4, speaker="eve"), clock=104.0) == [LockChange(True, LockReason.ACCEPTED, "eve")]
    assert opened.deadline == 109.0


@pytest.mark.parametrize(
    "refused",
    [
        decided(2, speaker="bob"),
        decided(2, speaker=""),
        decided(2, Outcome.REJECT),
        decided(2, Outcome.UNDECIDED),
        decided(2, Outcome.AMBIGUOUS),
        decided(2, final=False),
        followed(2, final=False),
        followed(2, speaker="bob"),
        followed(2, age=5.0),
        followed(1),
        speaker_changed(2),
        locked(2, Reason.VOICE_LOST),
        decided(0, final=False),
        decided(0),
        decided(2, age=5.0),
        decided(2, age=-2.0),
        decided(2, name="window"),
        decided(2, run_id="two"),
        decided(1),
        event(AttemptStarted(1, 0.5), 2),
    ],
)
def test_nothing_else_opens_it(state: LockState, refused: CaptureEvent) -> None:
    assert hear(state, refused) == []
    assert not state.is_open(100.0)


OTHER_VOICES = [
    decided(3, Outcome.REJECT),
    decided(3, Outcome.AMBIGUOUS),
    decided(3, speaker="bob"),
    speaker_changed(3),
    locked(3, Reason.SPEAKER_CHANGED),
]


@pytest.mark.parametrize("other", OTHER_VOICES)
def test_another_voice_locks_it(opened: LockState, other: CaptureEvent) -> None:
    assert hear(opened, other) == [LockChange(False, LockReason.OTHER_VOICE)]
    assert not opened.is_open(100.0)


@pytest.mark.parametrize("other", OTHER_VOICES)
def test_another_voice_may_be_left_to_talk(other: CaptureEvent) -> None:
    state = LockState(LockConfig("door", frozenset({"ada"}), relock_on_other_voice=False))

    assert hear(state, subscribed(), decided(2), other) == [OPENED]
    assert state.is_open(100.0)


def test_who_speaks_on_keeps_it_open(opened: LockState) -> None:
    assert hear(opened, followed(3), clock=104.0) == []
    assert opened.deadline == 109.0


def test_who_speaks_on_opens_it(state: LockState) -> None:
    assert hear(state, followed(2)) == [OPENED]


def test_who_pauses_is_held_open(opened: LockState) -> None:
    assert hear(opened, locked(3, Reason.VOICE_LOST)) == []
    assert opened.deadline == 105.0


@pytest.mark.parametrize("reason", [Reason.SPEAKER_DELETED, Reason.UNSPECIFIED])
def test_who_is_deleted_locks_it_and_so_does_what_is_not_known(reason: Reason) -> None:
    state = LockState(LockConfig("door", frozenset({"ada"}), relock_on_other_voice=False))
    assert hear(state, subscribed(), decided(2), locked(3, reason)) == [OPENED, LockChange(False, LockReason.DELETED)]


@pytest.mark.parametrize(
    "ignored",
    [
        decided(3, Outcome.UNDECIDED),
        followed(3, Outcome.REJECT, final=False),
        decided(3, Outcome.REJECT, final=False),
        decided(3, Outcome.REJECT, name="window"),
        decided(2, Outcome.REJECT),
    ],
)
def test_what_says_nothing_of_another_voice_leaves_it_open(opened: LockState, ignored: CaptureEvent) -> None:
    assert hear(opened, ignored) == []
    assert opened.is_open(100.0)


def test_a_replayed_or_older_decision_never_opens_it(opened: LockState) -> None:
    assert hear(opened, decided(9, Outcome.REJECT)) == [LockChange(False, LockReason.OTHER_VOICE)]

    assert hear(opened, decided(2), decided(8), decided(9)) == []
    assert hear(opened, decided(10)) == [OPENED]


@pytest.mark.parametrize("change", list(CaptureChange))
def test_trouble_with_the_capture_locks_it(opened: LockState, change: CaptureChange) -> None:
    told = hear(opened, changed(3, change))

    assert told == ([] if change in HARMLESS else [LockChange(False, LockReason.CAPTURE_LOST)])
    assert bool(hear(opened, decided(4, speaker="eve"))) is (change in HARMLESS), "it is not heard again before that is said"


@pytest.mark.parametrize("state_of_capture", [state for state in CaptureState if state is not CaptureState.LISTENING])
def test_a_capture_that_does_not_listen_locks_it(opened: LockState, state_of_capture: CaptureState) -> None:
    assert hear(opened, changed(3, CaptureChange.CLIPPING_ENDED, state_of_capture)) == [LockChange(False, LockReason.CAPTURE_LOST)]


def test_a_capture_that_came_back_opens_it_again(opened: LockState) -> None:
    lost, back = changed(3, CaptureChange.LOST, CaptureState.WAITING), changed(4, CaptureChange.RECOVERED)

    assert hear(opened, lost, back, decided(5)) == [LockChange(False, LockReason.CAPTURE_LOST), OPENED]


@pytest.mark.parametrize("captures", [(capture(CaptureState.WAITING),), (capture(name="window"),)])
def test_a_capture_that_is_not_heard_when_the_subscription_begins(captures: tuple[Capture, ...]) -> None:
    state = LockState(CONFIG)

    assert hear(state, subscribed(*captures), decided(2)) == []
    assert hear(state, changed(3, CaptureChange.STARTED), decided(4)) == [OPENED]


def test_a_lost_connection_locks_it_until_it_stands_again(opened: LockState) -> None:
    disconnected = Disconnected(UnreachableError("no daemon answers"), 0.25)

    assert hear(opened, disconnected, decided(3)) == [LockChange(False, LockReason.DISCONNECTED)]
    assert hear(opened, subscribed(sequence=9), decided(4), decided(9)) == [], "what was missed comes too late"
    assert hear(opened, decided(10)) == [OPENED]


def test_events_that_may_be_missing_lock_it(opened: LockState) -> None:
    assert hear(opened, Gap(restarted=False), subscribed(sequence=30)) == [LockChange(False, LockReason.EVENTS_MISSED)]
    assert hear(opened, decided(31)) == [OPENED]


def test_sequences_begin_again_with_a_new_run(opened: LockState) -> None:
    told = hear(opened, Gap(restarted=True), subscribed(sequence=4, run_id="two"), decided(4, run_id="two"), decided(9))

    assert told == [LockChange(False, LockReason.EVENTS_MISSED)]
    assert hear(opened, decided(5, run_id="two")) == [OPENED]


def test_without_a_heartbeat_it_does_not_open() -> None:
    state = LockState(LockConfig("door", frozenset({"ada"}), heartbeat=1.0))
    assert hear(state, subscribed(), decided(2)) == []
    state.beat(100.0)

    assert hear(state, decided(3), clock=101.0) == []
    assert hear(state, decided(4), clock=100.5) == [OPENED]


def test_a_heartbeat_that_stops_locks_it() -> None:
    state = LockState(LockConfig("door", frozenset({"ada"}), heartbeat=1.0))
    state.beat(100.0)
    hear(state, subscribed(), decided(2))
    state.beat(100.5)

    assert state.deadline == 101.5
    assert state.pass_time(101.4) is None
    assert not state.is_open(101.5)
    assert state.pass_time(101.5) == LockChange(False, LockReason.NO_HEARTBEAT)
    state.beat(102.0)
    assert not state.is_open(102.0), "it does not open by itself"


@pytest.mark.parametrize(
    "settings", [{"hold": 0.0}, {"hold": math.inf}, {"hold": math.nan}, {"heartbeat": 0.0}, {"heartbeat": -1.0}, {"heartbeat": math.nan}]
)
def test_times_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="seconds, more than 0"):
        LockConfig("door", frozenset({"ada"}), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("speakers", [set(), {""}, {"ada", ""}])
def test_nobody_is_no_speaker(speakers: set[str]) -> None:
    with pytest.raises(ValueError, match="name the speakers"):
        LockConfig("door", frozenset(speakers))


DECISIONS = st.builds(
    decided,
    st.integers(0, 12),
    st.sampled_from(Outcome),
    st.sampled_from(["ada", "eve", "bob", ""]),
    final=st.booleans(),
    age=st.sampled_from([-2.0, 0.0, 4.0, 5.0]),
    name=st.sampled_from(["door", "window"]),
    run_id=st.sampled_from(["one", "two"]),
)
FOLLOWED = st.one_of(
    st.builds(followed, st.integers(0, 12), age=st.sampled_from([0.0, 5.0]), final=st.booleans()),
    st.builds(speaker_changed, st.integers(0, 12)),
    st.builds(locked, st.integers(0, 12), st.sampled_from(Reason)),
)
CHANGES = st.builds(changed, st.integers(0, 12), st.sampled_from(CaptureChange), st.sampled_from(CaptureState))
OTHERS = st.sampled_from(
    [
        subscribed(sequence=5),
        subscribed(sequence=2, run_id="two"),
        subscribed(capture(CaptureState.FAILED)),
        Disconnected(UnreachableError(""), 1.0),
        Gap(restarted=True),
    ]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(DECISIONS | FOLLOWED | CHANGES | OTHERS, st.sampled_from([0.0, 0.5, 3.0, 5.0])), max_size=12))
def test_whatever_is_heard_only_a_later_fresh_acceptance_opens_it_and_not_for_long(story: list[tuple[SubscriptionEvent, float]]) -> None:
    state, clock, is_open, last, accepted = LockState(CONFIG), 100.0, False, {"one": 0, "two": 0}, -math.inf
    for happening, passes in story:
        clock += passes
        for change in (state.pass_time(clock), state.hear(happening, NOW, clock)):
            if change is not None:
                assert change.is_open or is_open, "it locks once"
                is_open = change.is_open
        if is_open and state.deadline != accepted + CONFIG.hold:
            assert isinstance(happening, CaptureEvent)
            assert isinstance(happening.event, AttemptDecided | AttemptFollowed)
            assert happening.event.expires is not None
            assert happening.event.expires > NOW >= happening.time
            assert (happening.event.decision.outcome, happening.capture) == (Outcome.ACCEPT, "door")
            assert happening.event.decision.speaker in CONFIG.speakers
            assert happening.sequence > last[happening.run_id]
            last[happening.run_id], accepted = happening.sequence, clock
        assert state.is_open(clock) is is_open
        assert not state.is_open(accepted + CONFIG.hold)
