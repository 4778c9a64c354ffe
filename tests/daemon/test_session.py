from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daemon.config import Config, DecisionConfig, VadConfig
from daemon.errors import NoSpeakersError
from daemon.events import Decision, Event, Outcome, Reason, SpeechEnded, SpeechStarted
from daemon.hearing import vad
from daemon.session import Encode, VerificationSession, run
from models.calibration.calibration import Calibration
from models.features import Waveform
from tests import audio
from tests.fakes import FakeEncoder, enroll, fake_calibration

ENCODER = FakeEncoder()
CALIBRATION = fake_calibration()
DOUBTFUL = fake_calibration(accept=1.1, reject=-1.1)
"""By which no score decides."""
CONFIG = Config(
    vad=VadConfig(kind="webrtc", start_ms=60, pre_roll_ms=200, hang_over_ms=400),
    decision=DecisionConfig(min_speech_seconds=1.0, speech_seconds=8.0, interim_seconds=0.24),
)
ANNA = enroll("anna", audio.voice(0, 4.0), encoder=ENCODER)
BEN = enroll("ben", audio.voice(1, 4.0), encoder=ENCODER)
OWNER = audio.join(audio.noise(0.3, level=-65.0), audio.voice(0, 2.5, take=1), audio.noise(0.7, level=-65.0))
STRANGER = audio.voice(3, 3.0)
PAUSES = audio.join(audio.voice(0, 0.7, take=1), audio.silence(0.6), audio.voice(0, 0.503, take=2), audio.silence(0.501))


def session(
    *, interim: bool = False, wait_for_end: bool = False, config: Config = CONFIG, calibration: Calibration = CALIBRATION
) -> VerificationSession:
    return VerificationSession(ENCODER.initial_state(), [ANNA, BEN], config, calibration, interim=interim, wait_for_end=wait_for_end)


def verify(samples: Waveform, *, interim: bool = False, wait_for_end: bool = False, calibration: Calibration = CALIBRATION) -> list[Event]:
    attempt = session(interim=interim, wait_for_end=wait_for_end, calibration=calibration)
    attempt.feed(samples)
    attempt.finish()
    return list(run(attempt, ENCODER))


def decisions(events: list[Event]) -> list[Decision]:
    return [event for event in events if isinstance(event, Decision)]


def final(samples: Waveform, *, wait_for_end: bool = False, calibration: Calibration = CALIBRATION) -> Decision:
    (decision,) = decisions(verify(samples, wait_for_end=wait_for_end, calibration=calibration))
    assert decision.final
    return decision


def test_owner_is_accepted_as_soon_as_there_is_speech_enough() -> None:
    decision = final(OWNER)
    assert (decision.outcome, decision.reason) == (Outcome.ACCEPT, Reason.LLR_ABOVE_BOUNDARY)
    assert decision.candidates[0].speaker == "anna"
    assert 16_000 <= decision.evidence.speech < 18_000
    assert decision.at < len(OWNER) / 2


def test_stranger_is_rejected_as_soon_as_there_is_speech_enough() -> None:
    decision = final(STRANGER)
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.LLR_BELOW_BOUNDARY)
    assert 16_000 <= decision.evidence.speech < 18_000
    assert decision.at < len(STRANGER) / 2


def test_with_wait_for_end_the_decision_rests_on_all_audio() -> None:
    events = verify(OWNER, wait_for_end=True)
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded, Decision]
    assert events[-1].at == len(OWNER)
    assert decisions(events)[0].outcome is Outcome.ACCEPT


def test_what_is_undecided_when_the_audio_ends_is_told_so_and_never_rejected() -> None:
    decision = final(OWNER, calibration=DOUBTFUL)
    assert (decision.outcome, decision.reason, decision.at) == (Outcome.UNDECIDED, Reason.AUDIO_ENDED, len(OWNER))
    assert decision.candidates[0].speaker == "anna"
    assert decision.margin_accept < 0 < decision.margin_reject


def test_an_attempt_ends_undecided_when_its_speech_is_used_up() -> None:
    config = CONFIG.model_copy(update={"decision": CONFIG.decision.model_copy(update={"speech_seconds": 1.5})})
    attempt = session(config=config, calibration=DOUBTFUL)
    attempt.feed(OWNER)
    (decision,) = decisions(list(run(attempt, ENCODER)))
    assert (decision.outcome, decision.reason) == (Outcome.UNDECIDED, Reason.SPEECH_BUDGET_SPENT)
    assert 24_000 <= decision.evidence.speech < 26_000
    assert attempt.done


def test_with_wait_for_end_no_speech_is_too_much() -> None:
    config = CONFIG.model_copy(update={"decision": CONFIG.decision.model_copy(update={"speech_seconds": 1.5})})
    attempt = session(config=config, calibration=DOUBTFUL, wait_for_end=True)
    (decision,) = decisions(list(streamed(attempt, [OWNER])))
    assert (decision.reason, decision.at) == (Reason.AUDIO_ENDED, len(OWNER))


PATIENT = CONFIG.model_copy(update={"decision": CONFIG.decision.model_copy(update={"pause_seconds": 1.0})})
ASIDE = audio.join(audio.silence(0.3), audio.voice(0, 0.7, take=1), audio.silence(1.6), audio.voice(3, 2.0))


def test_a_pause_ends_an_attempt_where_it_is_asked_to() -> None:
    events = list(streamed(session(config=PATIENT, calibration=DOUBTFUL), [ASIDE]))
    started, ended, decision = events
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert isinstance(decision, Decision)
    assert (decision.outcome, decision.final, decision.reason) == (Outcome.UNDECIDED, True, Reason.NOT_ENOUGH_SPEECH)
    assert decision.at == ended.offset + 16_000


def test_nobody_is_waited_for_any_longer_before_any_speech() -> None:
    (decision,) = streamed(session(config=PATIENT), [audio.silence(3.0)])
    assert isinstance(decision, Decision)
    assert (decision.at, decision.reason) == (16_000, Reason.NO_SPEECH)


def test_enough_speech_that_decides_nothing_is_told_to_have_paused() -> None:
    long = audio.join(audio.voice(0, 2.5, take=1), audio.silence(2.0), audio.voice(3, 2.0))
    *_, decision = streamed(session(config=PATIENT, calibration=DOUBTFUL), [long])
    assert isinstance(decision, Decision)
    assert (decision.outcome, decision.reason) == (Outcome.UNDECIDED, Reason.SPEECH_PAUSED)


def test_with_wait_for_end_no_pause_is_too_long() -> None:
    *_, decision = streamed(session(config=PATIENT, wait_for_end=True), [ASIDE])
    assert isinstance(decision, Decision)
    assert decision.at == len(ASIDE)


def test_a_pause_ends_an_attempt_at_the_same_sample_however_the_audio_is_cut() -> None:
    whole = list(streamed(session(config=PATIENT, calibration=DOUBTFUL, interim=True), [ASIDE]))

    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(pieces(ASIDE))
    def check(parts: list[Waveform]) -> None:
        assert list(streamed(session(config=PATIENT, calibration=DOUBTFUL, interim=True), parts)) == whole

    check()


def test_too_little_speech_is_undecided_but_scored() -> None:
    decision = final(audio.voice(0, 0.7))
    assert (decision.outcome, decision.reason) == (Outcome.UNDECIDED, Reason.NOT_ENOUGH_SPEECH)
    assert decision.candidates


class Unsure:
    """A detector that takes everything for a voice, but is not sure of any."""

    def voice(self, hop: NDArray[np.int16]) -> float:
        return 0.55 if hop.any() else 0.0

    def reset(self) -> None:
        """Nothing is remembered."""


@pytest.mark.parametrize("wait_for_end", [False, True])
def test_what_passes_the_gate_but_is_no_voice_is_nobody(*, wait_for_end: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG.model_copy(update={"decision": DecisionConfig(min_voice=0.6)})
    monkeypatch.setattr(vad, "voice_detector", lambda _config: Unsure())
    attempt = session(config=config, wait_for_end=wait_for_end, interim=True)
    told = decisions(list(streamed(attempt, [OWNER])))
    assert {(decision.outcome, decision.reason, decision.candidates) for decision in told} == {(Outcome.UNDECIDED, Reason.NOT_A_VOICE, ())}
    assert told[-1].final
    assert told[-1].evidence.voice == pytest.approx(0.55)


@pytest.mark.parametrize("nothing", [audio.silence(0.0), audio.silence(5.0), audio.noise(5.0, level=-75.0)])
def test_no_speech_is_undecided(nothing: Waveform) -> None:
    decision = final(nothing)
    assert (decision.outcome, decision.reason, decision.at) == (Outcome.UNDECIDED, Reason.NO_SPEECH, len(nothing))


def test_two_voiceprints_of_one_voice_stay_ambiguous_until_the_end() -> None:
    double = enroll("anna's double", audio.voice(0, 4.0, take=7), encoder=ENCODER)
    attempt = VerificationSession(ENCODER.initial_state(), [ANNA, double], CONFIG, CALIBRATION, interim=False, wait_for_end=False)
    attempt.feed(OWNER)
    attempt.finish()
    (decision,) = decisions(list(run(attempt, ENCODER)))
    assert (decision.outcome, decision.at) == (Outcome.AMBIGUOUS, len(OWNER))


def test_interim_decisions_come_as_speech_passes_the_gate() -> None:
    found = decisions(verify(OWNER, interim=True, wait_for_end=True))
    stamps = [decision.at for decision in found[:-1]]
    assert [decision.final for decision in found] == [False] * (len(found) - 1) + [True]
    assert found[0].reason is Reason.NOT_ENOUGH_SPEECH
    assert found[-2].outcome is Outcome.ACCEPT
    # A step is 80 ms, so that 240 ms pass between two.
    assert set(np.diff(stamps)) == {3_840}


def test_without_interim_only_the_final_decision_comes() -> None:
    assert len(decisions(verify(OWNER))) == 1


def test_interim_decisions_do_not_change_the_final_one() -> None:
    assert decisions(verify(OWNER, interim=True))[-1] == final(OWNER)


def test_who_is_deleted_while_speaking_is_not_accepted() -> None:
    attempt = session()
    attempt.feed(OWNER[:16_000])
    assert decisions(list(run(attempt, ENCODER))) == []
    attempt.set_speakers([BEN])
    attempt.feed(OWNER[16_000:])
    attempt.finish()
    (decision,) = decisions(list(run(attempt, ENCODER)))
    assert (decision.outcome, [candidate.speaker for candidate in decision.candidates]) == (Outcome.REJECT, ["ben"])


def test_nothing_follows_the_final_decision() -> None:
    attempt = session()
    attempt.feed(OWNER)
    before = list(run(attempt, ENCODER))
    assert attempt.done
    attempt.feed(STRANGER)
    attempt.finish()
    assert before
    assert attempt.poll() is None


def test_not_done_while_more_audio_may_come() -> None:
    attempt = session()
    attempt.feed(OWNER[:8_000])
    assert decisions(list(run(attempt, ENCODER))) == []
    assert not attempt.done
    attempt.finish()
    assert decisions(list(run(attempt, ENCODER)))
    assert attempt.done


def test_who_is_one_of_many_is_told_apart_by_boundaries_for_as_many() -> None:
    attempt = session()
    attempt.feed(OWNER[:16_000])
    assert decisions(list(run(attempt, ENCODER))) == []
    attempt.set_speakers([ANNA])
    (alone,) = decisions(list(streamed(attempt, [OWNER[16_000:]])))
    both = final(OWNER)
    assert alone.llr - alone.margin_accept < both.llr - both.margin_accept


def test_score_is_the_cosine_with_the_voiceprint() -> None:
    attempt = session(wait_for_end=True)
    attempt.feed(OWNER)
    attempt.finish()
    embedding = np.zeros(192, dtype=np.float32)
    decision: Decision | None = None
    while (due := attempt.poll()) is not None:
        if isinstance(due, Encode):
            step = ENCODER.step(due.frames[np.newaxis], due.state)
            embedding = step.embedding[0]
            attempt.encoded(step)
        elif isinstance(due, Decision):
            decision = due
    assert decision is not None
    assert decision.candidates[0].score == pytest.approx(float(embedding.astype(np.float64) @ ANNA.voiceprint), abs=1e-7)


def test_nobody_enrolled_is_an_error() -> None:
    with pytest.raises(NoSpeakersError, match="enroll a speaker first"):
        VerificationSession(ENCODER.initial_state(), [], CONFIG, CALIBRATION, interim=False, wait_for_end=False)


@st.composite
def pieces(draw: st.DrawFn, samples: Waveform) -> list[Waveform]:
    """Cut `samples` anywhere: into a few pieces, and a part of them sample by sample."""
    cuts = draw(st.lists(st.integers(0, len(samples)), max_size=30))
    if draw(st.booleans()):
        start = draw(st.integers(0, len(samples)))
        cuts += range(start, min(start + 500, len(samples)))
    return np.split(samples, sorted(cuts))


def streamed(attempt: VerificationSession, parts: list[Waveform]) -> Iterator[Event]:
    for part in parts:
        attempt.feed(part)
        yield from run(attempt, ENCODER)
    attempt.finish()
    yield from run(attempt, ENCODER)


@pytest.mark.parametrize("samples", [OWNER, STRANGER, PAUSES], ids=["owner", "stranger", "pauses"])
@pytest.mark.parametrize("wait_for_end", [False, True])
def test_any_split_of_the_audio_gives_the_same_events(samples: Waveform, wait_for_end: bool) -> None:  # noqa: FBT001 - a parameter
    whole = verify(samples, interim=True, wait_for_end=wait_for_end)

    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(pieces(samples))
    def check(parts: list[Waveform]) -> None:
        assert list(streamed(session(interim=True, wait_for_end=wait_for_end), parts)) == whole

    check()


def test_one_sample_at_a_time_gives_the_same_events() -> None:
    assert list(streamed(session(interim=True), np.split(PAUSES[:12_000], 12_000))) == verify(PAUSES[:12_000], interim=True)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["owner", "stranger", "pauses"]), max_size=40))
def test_interleaved_sessions_do_not_disturb_each_other(turns: list[str]) -> None:
    material = {"owner": OWNER, "stranger": STRANGER, "pauses": PAUSES}
    attempts = {name: session(interim=True) for name in material}
    rest = {name: np.split(samples, range(777, len(samples), 777)) for name, samples in material.items()}
    heard: dict[str, list[Event]] = {name: [] for name in material}
    for name in turns:
        attempts[name].feed(rest[name].pop(0))
        heard[name] += run(attempts[name], ENCODER)
    for name, attempt in attempts.items():
        heard[name] += streamed(attempt, rest[name])
    assert heard == {name: verify(samples, interim=True) for name, samples in material.items()}


def test_stamps_never_decrease() -> None:
    stamps = [event.at for event in verify(PAUSES, interim=True, wait_for_end=True)]
    assert stamps == sorted(stamps)


def test_session_imports_no_network_device_or_inference_library() -> None:
    forbidden = {"grpc", "torch", "sounddevice", "onnxruntime"}
    program = f"import sys, daemon.session, daemon.enrollment.session; print(*sorted({forbidden!r} & set(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == []
