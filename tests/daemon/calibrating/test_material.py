from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from daemon.calibrating.material import Studio, enrollment_sets
from daemon.config import Config, EnrollmentConfig
from models.calibration.attempts import MaterialError
from models.features import SAMPLE_RATE
from models.manifest import Recording
from tests import audio
from tests.fakes import PLAIN_VAD, FakeEncoder

HELD_OUT = [name for name in map(str, range(60)) if Recording(Path(), name, "c").held_out]
KNOWN = [name for name in map(str, range(60)) if not Recording(Path(), name, "c").held_out]


def write(path: Path, seed: int, take: int) -> Path:
    soundfile.write(path, audio.voice(seed, 1.2, take), SAMPLE_RATE)
    return path


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    """Three recordings of two speakers who are held out, one of a third, two of three others, one of nobody knows whom."""
    root = tmp_path_factory.mktemp("recordings")
    names = [*HELD_OUT[:2] * 3, HELD_OUT[2], *KNOWN[:3] * 2, "c_unknown"]
    return [Recording(write(root / f"{take}.wav", sum(map(ord, name)), take), name, "c", duration=1.2) for take, name in enumerate(names)]


def studio(recordings: list[Recording], *, seed: int = 0, needed: float = 0.5) -> Studio:
    noises = [recordings[0].path]
    config = Config(vad=PLAIN_VAD, enrollment=EnrollmentConfig(min_speech_seconds=needed))
    return Studio(recordings, FakeEncoder(), config, noises, seed=seed)


@pytest.mark.parametrize("count", range(9))
def test_every_speaker_with_two_recordings_is_enrolled_and_leaves_some_to_verify(count: int) -> None:
    own = tuple(range(count))
    sets = enrollment_sets(own)
    assert bool(sets) == (count > 1)
    assert len(set(sets)) == len(sets)
    for row in sets:
        assert 1 <= len(row) <= 3
        assert set(row) < set(own)
    if count > 4:
        assert {len(row) for row in sets} == {1, 2, 3}


def test_held_out_speakers_are_heard_and_the_others_are_the_cohort(recordings: list[Recording]) -> None:
    material = studio(recordings).material(held_out_only=True)
    assert {attempt.speaker for attempt in material.attempts} == set(HELD_OUT[:3])
    assert {enrollment.speaker for enrollment in material.enrollments} == set(HELD_OUT[:2])
    assert material.others.shape == (3, 192)
    assert np.linalg.norm(material.others, axis=1) == pytest.approx(1.0)


def test_all_labelled_speakers_are_heard_unless_told_otherwise(recordings: list[Recording]) -> None:
    material = studio(recordings).material(held_out_only=False)
    assert {attempt.speaker for attempt in material.attempts} == {*HELD_OUT[:3], *KNOWN[:3]}
    assert len(material.others) == 0


def test_recordings_are_heard_clean_and_degraded_and_in_a_row(recordings: list[Recording]) -> None:
    material = studio(recordings).material(held_out_only=True)
    own = [attempt for attempt in material.attempts if attempt.speaker == HELD_OUT[0]]
    assert sorted(len(attempt.recordings) for attempt in own) == [1] * 6 + [3]
    assert sum(attempt.condition == "clean" for attempt in own) == 4  # the row, too
    row = next(attempt for attempt in own if len(attempt.recordings) == 3 and attempt.condition == "clean")
    assert row.trajectory.speech[-1] > 2 * max(attempt.trajectory.speech[-1] for attempt in own if len(attempt.recordings) == 1)
    assert [view.recordings for view in material.views if view.speaker == HELD_OUT[0]] == [row.recordings]


def test_voices_resemble_themselves(recordings: list[Recording]) -> None:
    material = studio(recordings).material(held_out_only=True)
    clean = [attempt for attempt in material.attempts if attempt.condition == "clean" and len(attempt.trajectory.speech)]
    scores = {
        (one.speaker, attempt.speaker): float(one.voiceprint @ attempt.trajectory.embeddings[-1])
        for one in material.enrollments
        for attempt in clean
    }
    for name in HELD_OUT[:2]:
        assert max(scores, key=lambda pair: scores[pair] if pair[0] == name else -1.0) == (name, name)


def test_nobody_is_enrolled_with_less_speech_than_the_daemon_demands(recordings: list[Recording]) -> None:
    all_of_them = studio(recordings).material(held_out_only=True).enrollments
    least = min(one.seconds for one in all_of_them)
    enough = studio(recordings, needed=least + 0.1).material(held_out_only=True).enrollments
    assert [one.seconds for one in enough] == [one.seconds for one in all_of_them if one.seconds >= least + 0.1]
    assert 0 < len(enough) < len(all_of_them)
    assert not studio(recordings, needed=30.0).material(held_out_only=True).enrollments


def test_the_same_seed_hears_the_same(recordings: list[Recording]) -> None:
    first, again = (studio(recordings, seed=3).material(held_out_only=True) for _ in range(2))
    assert [attempt.condition for attempt in first.attempts] == [attempt.condition for attempt in again.attempts]
    for one, other in zip(first.attempts, again.attempts, strict=True):
        assert (one.trajectory.embeddings == other.trajectory.embeddings).all()


def test_a_row_is_of_one_session(recordings: list[Recording]) -> None:
    apart = [Recording(one.path, one.speaker, one.corpus, duration=1.2, session=str(take)) for take, one in enumerate(recordings)]
    material = studio(apart).material(held_out_only=True)
    assert {len(attempt.recordings) for attempt in material.attempts} == {1}
    assert not material.views


def test_a_file_that_is_no_recording_is_named(recordings: list[Recording], tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("nothing")
    broken = [*recordings, Recording(tmp_path / "a.wav", HELD_OUT[0], "c")]
    with pytest.raises(MaterialError, match=r"a\.wav cannot be read"):
        studio(broken).material(held_out_only=True)
