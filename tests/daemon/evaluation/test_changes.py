from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daemon.evaluation.bench import Bench, Enrollment, Setting, workers
from daemon.evaluation.changes import Turn, TurnHeard, deal, hear_turn, summary
from daemon.evaluation.corpus import enroll_corpus
from daemon.speakers import Speaker
from models.evaluate.conditions import Condition
from models.evaluate.trials import build_trials
from models.features import SAMPLE_RATE, Waveform
from models.manifest import Recording
from tests.audio import join, silence, voice
from tests.daemon.evaluation.conftest import SPEAKERS

Record = Callable[[str, Waveform], Path]


@pytest.fixture(scope="module")
def bench(setting: Setting) -> Bench:
    return Bench(setting)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    def written(name: str, samples: Waveform) -> Path:
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, join(silence(1.5), samples, silence(1.5)), SAMPLE_RATE)
        return path

    return written


@pytest.fixture
def anna(bench: Bench, record: Record) -> Speaker:
    speaker = bench.enroll(Enrollment("anna", (record("enrolled", voice(0, 4.0)),))).speaker
    assert speaker is not None
    return speaker


def test_a_change_is_noticed_across_the_silence_around_recordings(bench: Bench, anna: Speaker, record: Record) -> None:
    own = record("own-1", voice(0, 3.0, take=1)), record("own-2", voice(0, 3.0, take=2))
    heard = hear_turn(bench, Turn(anna, own, (record("other", voice(3, 5.0)),)))
    assert heard.met
    assert heard.false_changes == 0
    assert 0.5 < heard.noticed < 2.5
    assert 4.0 < heard.followed < 6.0


def test_a_voice_that_goes_on_is_not_noticed(bench: Bench, anna: Speaker, record: Record) -> None:
    heard = hear_turn(bench, Turn(anna, (record("own", voice(0, 3.0, take=1)),), (record("same", voice(0, 4.0, take=2)),)))
    assert heard.met
    assert heard.noticed == np.inf


def test_another_in_the_own_recordings_is_a_false_change(bench: Bench, anna: Speaker, record: Record) -> None:
    own = record("own", voice(0, 3.0, take=1)), record("mislabelled", voice(3, 4.0))
    heard = hear_turn(bench, Turn(anna, own, (record("other", voice(1, 3.0)),)))
    assert heard.false_changes == 1
    assert not heard.met


def test_all_is_heard_under_the_condition(setting: Setting, anna: Speaker, record: Record, tmp_path: Path) -> None:
    hiss = tmp_path / "hiss.wav"
    soundfile.write(hiss, np.random.default_rng(0).normal(0.0, 0.1, SAMPLE_RATE), SAMPLE_RATE)
    noisy = Bench(replace(setting, condition=Condition("noise", -15.0, (hiss,))))
    turn = Turn(anna, (record("own", voice(0, 5.0, take=1)),), (record("other", voice(3, 5.0)),))
    assert hear_turn(noisy, turn) != hear_turn(Bench(setting), turn)
    assert hear_turn(noisy, turn).followed < 1.0


def test_recordings_without_speech_are_no_trouble(bench: Bench, anna: Speaker, record: Record) -> None:
    heard = hear_turn(bench, Turn(anna, (record("nothing", silence(1.0)),), (record("also", silence(1.0)),)))
    assert heard == TurnHeard(0.0, 0, met=False, noticed=np.inf)


def test_in_every_round_others_of_the_recordings_enroll(recordings: list[Recording], setting: Setting) -> None:
    with workers(setting, 1) as work:
        enrolled = [enroll_corpus(trials, recordings, work) for trials in build_trials(recordings)]
        once, often = (deal(enrolled, recordings, work, seed=0, rounds=rounds) for rounds in (1, 4))
    assert [turn.own for turn in often[: len(once)]] == [turn.own for turn in once]
    assert len(often) == 4 * len(once)
    assert {turn.speaker.name for turn in often} == {f"synthetic/speaker{number}" for number in range(SPEAKERS)}
    followed, always = ({path for turn in turns for path in turn.own} for turns in (often, once))
    assert followed > always


def test_what_is_not_noticed_counts_as_the_slowest() -> None:
    turns = [TurnHeard(60.0, 0, met=True, noticed=seconds) for seconds in (1.0, 2.0, np.inf)]
    figures = summary([*turns, TurnHeard(1_620.0, 1, met=False, noticed=np.inf)])
    assert (figures.streams, figures.followed, figures.noticed) == (4, 3, 2)
    assert (figures.seconds_to_notice.median, figures.seconds_to_notice.p90) == (2.0, None)
    assert (figures.false_changes.count, figures.false_changes.hours) == (1, 0.5)


def test_where_nobody_is_followed_there_is_nothing_to_tell() -> None:
    figures = summary([])
    assert figures.seconds_to_notice.median is None
    assert figures.false_changes.per_hour is None
