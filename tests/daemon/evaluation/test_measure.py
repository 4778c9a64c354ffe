from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from daemon.errors import EvaluationError
from daemon.evaluation.bench import Setting
from daemon.evaluation.measure import Plan, measure
from daemon.evaluation.report import Report, as_json
from models.evaluate.conditions import Condition
from models.features import SAMPLE_RATE
from models.manifest import Recording
from tests.audio import silence
from tests.daemon.evaluation.conftest import RECORDINGS, SPEAKERS, STRANGERS, with_decision

TESTS = SPEAKERS * (RECORDINGS - 3)


@pytest.fixture(scope="module")
def report(recordings: list[Recording], setting: Setting) -> Report:
    return measure(recordings, setting, Plan())


def test_everybody_is_tried_at_everybody(report: Report) -> None:
    figures = report.verification
    assert (figures.n_target, figures.n_nontarget) == (TESTS, TESTS * (SPEAKERS - 1) + STRANGERS * SPEAKERS)
    assert (report.identification.n_known, report.identification.n_unknown) == (TESTS, TESTS + STRANGERS)
    assert report.identification.enrolled == SPEAKERS
    assert report.enrollments.enrolled == SPEAKERS


def test_voices_that_are_told_apart_are_accepted_as_their_own(report: Report) -> None:
    figures = report.verification
    assert figures.accepted.rate == 1.0
    assert figures.far.count == 0
    assert figures.far.interval is not None
    assert figures.far.interval[1] > 0.0
    assert report.identification.recognised.rate == 1.0
    median = figures.seconds_to_accept.median
    assert median is not None
    assert 0.5 <= median <= 2.0


def test_processes_make_no_difference(report: Report, recordings: list[Recording], setting: Setting) -> None:
    assert as_json(measure(recordings, setting, Plan(), jobs=2)) == as_json(report)


def test_changes_of_speaker_are_followed_in_rounds(report: Report, recordings: list[Recording], setting: Setting) -> None:
    once, twice = (measure(recordings, setting, Plan(changes=rounds)).changes for rounds in (1, 2))
    assert report.changes is None
    assert once is not None
    assert twice is not None
    assert (once.streams, twice.streams) == (2 * SPEAKERS, 4 * SPEAKERS)
    assert twice.false_changes.hours > once.false_changes.hours


def test_conditions_change_the_attempts_alone(report: Report, recordings: list[Recording], setting: Setting, corpus: Path) -> None:
    noisy = measure(recordings, replace(setting, condition=Condition("noise", -10.0, (corpus / "hiss.wav",))), Plan())
    assert noisy.setup.snr == -10.0
    assert noisy.enrollments == report.enrollments
    assert noisy.verification.accepted.count < report.verification.accepted.count


def test_stricter_targets_move_the_boundaries(report: Report, recordings: list[Recording], setting: Setting) -> None:
    strict = measure(recordings, with_decision(setting, false_accept_rate=1e-60), Plan())
    assert strict.setup.far == 1e-60
    assert strict.verification.accepted.count < report.verification.accepted.count


def test_corpora_are_told_apart(report: Report, recordings: list[Recording], setting: Setting) -> None:
    other = [replace(recording, corpus="other") for recording in recordings]
    lonely = [replace(recordings[0], corpus="lonely")]
    both = measure([*recordings, *other, *lonely], setting, Plan())
    assert list(both.by_corpus) == ["other", "synthetic"]
    assert both.left_out == ("lonely",)
    assert both.by_corpus["other"] == both.by_corpus["synthetic"] == report.by_corpus["synthetic"]
    assert both.verification.n_target == 2 * report.verification.n_target


def test_who_cannot_be_enrolled_is_reported(recordings: list[Recording], setting: Setting, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", silence(1.0), SAMPLE_RATE)
    silent = [Recording(tmp_path / "silent.wav", "nobody", "synthetic")] * 4
    measured = measure([*recordings, *silent], setting, Plan())
    assert (measured.enrollments.enrolled, measured.enrollments.impossible) == (SPEAKERS, 1)
    assert measured.enrollments.refused == {"NOT_ENOUGH_SPEECH": 1}
    # The recording that is left is an impostor who says nothing.
    assert measured.verification.n_target == TESTS
    assert measured.reasons["nontarget"]["NO_SPEECH"] == SPEAKERS


def test_noise_is_nobody(recordings: list[Recording], setting: Setting, corpus: Path) -> None:
    noise = measure(recordings, setting, Plan((corpus / "hiss.wav",), hours=0.005)).noise
    assert noise is not None
    assert list(noise) == ["noise", "babble", "music", "silence", "all"]
    assert noise["all"].accepts.hours == pytest.approx(0.005, abs=1e-4)
    assert noise["silence"].attempts == 0
    assert noise["all"].accepts.count == sum(noise[kind].accepts.count for kind in ("noise", "babble", "music", "silence"))


def test_where_everybody_is_enrolled_nobody_babbles(recordings: list[Recording], setting: Setting) -> None:
    alone = [recording for recording in recordings if recording.speaker == recordings[0].speaker]
    noise = measure(alone, setting, Plan(hours=0.005)).noise
    assert noise is not None
    assert list(noise) == ["music", "silence", "all"]
    assert noise["all"].accepts.hours == pytest.approx(0.005, abs=1e-4)


def test_nobody_to_enroll_is_an_error(recordings: list[Recording], setting: Setting) -> None:
    with pytest.raises(EvaluationError, match="four recordings or more"):
        measure(recordings[:3], setting, Plan())


def test_an_unreadable_recording_is_named(recordings: list[Recording], setting: Setting, tmp_path: Path) -> None:
    lost = [*recordings[:4], Recording(tmp_path / "lost.wav", "x", "synthetic")]
    for jobs in (1, 2):
        with pytest.raises(EvaluationError, match=r"lost\.wav cannot be read"):
            measure(lost, setting, Plan(), jobs)
