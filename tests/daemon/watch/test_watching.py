from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from structlog.testing import capture_logs

from daemon.config import DecisionConfig, EnrollmentConfig
from daemon.errors import CaptureBusyError, CaptureStoppedError
from daemon.events import AttemptDecided, AttemptFollowed, AttemptStarted, Level, Outcome, Reason
from daemon.watch.capture_events import CaptureChange, CaptureChanged, CaptureCounters, CaptureEvent, CaptureState, Published
from daemon.watch.watching import PIECE_SAMPLES, WAITING_PIECES, Capture, Gap, WatchParts
from models.encoder import State, Step
from models.features import SAMPLE_RATE, Frames, Waveform
from tests import audio
from tests.daemon.server.harness import CONFIG
from tests.daemon.watched import watch_parts
from tests.fakes import FakeEncoder

SPEECH = audio.voice(0, 1.3, take=1)
SILENCE = audio.silence(1.5)


class Countable(FakeEncoder):
    """Counts its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def step(self, frames: Frames, state: State) -> Step:
        self.steps += 1
        return super().step(frames, state)


class Told:
    """What a capture has delivered."""

    def __init__(self) -> None:
        self.all: list[CaptureEvent] = []

    async def take(self, event: CaptureEvent) -> None:
        self.all.append(event)

    @property
    def events(self) -> list[Published]:
        return [told.event for told in self.all if not isinstance(told.event, Level)]

    @property
    def changes(self) -> list[CaptureChange]:
        return [event.change for event in self.events if isinstance(event, CaptureChanged)]

    @property
    def finals(self) -> list[AttemptDecided]:
        return [event for event in self.events if isinstance(event, AttemptDecided) and event.decision.final]


@pytest.fixture
async def parts() -> AsyncIterator[WatchParts]:
    # Half a second would be enough to decide.
    with watch_parts(config=CONFIG.model_copy(update={"decision": DecisionConfig(min_speech_seconds=1.0)})) as made:
        yield made


@contextmanager
def kitchen(parts: WatchParts) -> Iterator[tuple[Capture, Told]]:
    told = Told()
    capture = Capture("kitchen", parts, device="usb", deliver=told.take)
    yield capture, told
    capture.abandon()


async def test_what_it_hears_is_published_and_delivered(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        await capture.start()
        await capture.hear(audio.join(SPEECH, SILENCE))
        await capture.stop()
    assert told.changes == [CaptureChange.STARTED, CaptureChange.SILENCE_STARTED, CaptureChange.STOPPED]
    assert told.finals[0].decision.outcome is Outcome.ACCEPT
    assert {event.capture for event in told.all} == {"kitchen"}
    kept = [event.sequence for event in told.all if event.sequence]
    assert kept == list(range(2, 2 + len(kept)))


async def test_its_status_follows(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        assert capture.status.state is CaptureState.STOPPED
        await capture.start()
        await capture.hear(SILENCE)
        capture.counters = CaptureCounters(overruns=2)
        await capture.report(CaptureChange.LOST, CaptureState.WAITING, "unplugged")
        status = capture.status
        assert (status.name, status.device, status.state, status.problem) == ("kitchen", "usb", CaptureState.WAITING, "unplugged")
        assert (status.captured, status.counters.overruns) == (24_000, 2)
        assert told.events[-1] == CaptureChanged(24_000, CaptureChange.LOST, status)
        await capture.report(CaptureChange.RECOVERED, CaptureState.LISTENING)
        assert (capture.status.state, capture.status.problem) == (CaptureState.LISTENING, "")


async def test_it_starts_anew_and_counts_its_attempts_on(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        for _ in range(2):
            await capture.start()
            assert (capture.status.captured, capture.status.counters) == (0, CaptureCounters())
            await capture.hear(SPEECH[:8_000])
            capture.counters = CaptureCounters(stalls=1)
            await capture.stop()
    assert [event.attempt for event in told.events if isinstance(event, AttemptStarted)] == [1, 2]


async def test_stopping_decides_what_is_undecided(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        await capture.start()
        await capture.hear(SPEECH[:12_000])
        await capture.stop(CaptureChange.FAILED, CaptureState.FAILED, "it never came back")
        assert [decided.decision.reason for decided in told.finals] == [Reason.NOT_ENOUGH_SPEECH]
        assert (told.changes[-1], capture.status.problem) == (CaptureChange.FAILED, "it never came back")


async def test_abandoning_it_decides_nothing(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        await capture.start()
        await capture.hear(SPEECH[:12_000])
        before = parts.hub.sequence
        capture.abandon()
        capture.abandon()
        assert (capture.status.state, told.finals, parts.hub.sequence) == (CaptureState.STOPPED, [], before + 1)


async def test_a_gap_ends_the_attempt(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        await capture.start()
        await capture.hear(SPEECH[:12_000])
        await capture.cut()
        assert len(told.finals) == 1
        await capture.hear(SPEECH[:12_000])
        assert [event.attempt for event in told.events if isinstance(event, AttemptStarted)] == [1, 2]


async def test_it_follows_who_is_enrolled(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        await capture.start()
        await capture.hear(SPEECH[:12_000])
        parts.roster._take(tuple(speaker for speaker in parts.roster.speakers if speaker.name == "ben"))  # noqa: SLF001 - as the store does
        await capture.hear(audio.join(SPEECH[12_000:], SILENCE))
    assert Outcome.ACCEPT not in {decided.decision.outcome for decided in told.finals}


async def test_it_encodes_nothing_while_nobody_speaks() -> None:
    encoder = Countable()
    with watch_parts(encoder=encoder) as parts, kitchen(parts) as (capture, _):
        await capture.start()
        await capture.hear(audio.join(audio.silence(20.0), audio.noise(20.0, level=-75.0)))
        assert encoder.steps == 0
        await capture.hear(SPEECH)
        assert encoder.steps > 0


async def test_what_is_taken_over_makes_no_attempt(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        await capture.start()
        heard: list[Waveform] = []

        async def take() -> None:
            async with capture.taken_over() as pieces:
                async for piece in pieces:
                    assert not isinstance(piece, Gap)
                    heard.append(piece)
                    if sum(map(len, heard)) == len(SPEECH):
                        return

        taking = asyncio.create_task(take())
        await asyncio.sleep(0)
        await capture.hear(SPEECH)
        await taking
        np.testing.assert_array_equal(np.concatenate(heard), SPEECH)
        assert [event for event in told.events if not isinstance(event, CaptureChanged)] == []
        await capture.hear(SPEECH)
        assert told.finals[0].decision.outcome is Outcome.ACCEPT


async def test_taking_over_decides_the_attempt_that_goes_on(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, told):
        await capture.start()
        await capture.hear(SPEECH[:12_000])
        async with capture.taken_over():
            assert len(told.finals) == 1


async def test_a_capture_is_taken_over_by_one(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, _):
        with pytest.raises(CaptureStoppedError, match="start it first"):
            await capture.taken_over().__aenter__()
        await capture.start()
        async with capture.taken_over():
            with pytest.raises(CaptureBusyError, match="try again later"):
                await capture.taken_over().__aenter__()
        async with capture.taken_over():
            pass


@pytest.mark.parametrize("graceful", [True, False])
async def test_the_end_of_the_capture_ends_what_was_taken_over(parts: WatchParts, *, graceful: bool) -> None:
    with kitchen(parts) as (capture, _):
        await capture.start()
        async with capture.taken_over() as pieces:
            await capture.hear(SPEECH[:PIECE_SAMPLES])
            await capture.cut()
            if graceful:
                await capture.stop()
            else:
                capture.abandon()
            found = [piece if isinstance(piece, Gap) else len(piece) async for piece in pieces]
            assert found == ([PIECE_SAMPLES, Gap()] if graceful else [])


async def test_a_slow_taker_holds_up_the_source_and_lets_go_of_it(parts: WatchParts) -> None:
    with kitchen(parts) as (capture, _):
        await capture.start()
        async with capture.taken_over():
            bringing = asyncio.create_task(capture.hear(audio.silence((WAITING_PIECES + 5) * PIECE_SAMPLES / SAMPLE_RATE)))
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(bringing), 0.5)
            assert not bringing.done()
            assert capture.status.captured < (WAITING_PIECES + 2) * PIECE_SAMPLES
        await bringing


async def test_the_log_tells_decisions_but_not_whom(parts: WatchParts) -> None:
    with capture_logs() as logs, kitchen(parts) as (capture, _):
        await capture.start()
        await capture.hear(SPEECH)
    (line,) = [line for line in logs if line["event"] == "decision"]
    assert (line["capture"], line["attempt"], line["outcome"]) == ("kitchen", 1, "ACCEPT")
    assert "anna" not in str(logs)


@pytest.mark.parametrize(("adapt", "learned"), [(True, [1, 0]), (False, [0, 0])])
async def test_a_voiceprint_learns_once_from_whoever_is_followed(adapt: bool, learned: list[int]) -> None:  # noqa: FBT001
    enrollment = EnrollmentConfig(adapt=adapt, adapt_margin=1.0, adapt_snr_db=0.0)
    with watch_parts(config=CONFIG.model_copy(update={"enrollment": enrollment})) as parts, kitchen(parts) as (capture, told):
        await capture.start()
        await capture.hear(audio.join(audio.voice(0, 8.0, take=1), SILENCE))
        await capture.stop()
        accepted = [event for event in told.events if isinstance(event, AttemptFollowed) and event.decision.final]
        assert len(accepted) > 1
        assert [len(speaker.adapted) for speaker in parts.roster.speakers] == learned
