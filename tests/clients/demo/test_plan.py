from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from clients.demo.plan import SHIPPED, Enrollment, Stream, make_plan
from clients.errors import AudioFileError, DemoDataError
from clients.files import duration
from clients.messages import Outcome


def record(path: Path, milliseconds: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(16 * milliseconds), 16_000)
    return path


def test_roles_go_by_path(tmp_path: Path) -> None:
    for name in ("corpus/b", "corpus/c", "a/deep/down"):
        for number in range(1, 5):
            record(tmp_path / name / f"{number}.wav", 100 + number)
    record(tmp_path / "corpus/c/0.flac", 300)
    record(tmp_path / "corpus/c/5.OGG", 200)
    record(tmp_path / "corpus/d/1.wav")
    record(tmp_path / "corpus/d/2.wav", 150)
    record(tmp_path / "corpus/aa-too-few/1.wav")
    noise = record(tmp_path / "noise/1.wav")
    (tmp_path / "corpus/README.txt").write_text("not audio")

    plan = make_plan(tmp_path)

    assert plan.owner == "owner"
    assert plan.enrollments == (
        Enrollment("owner", tuple(tmp_path / "a/deep/down" / f"{number}.wav" for number in (1, 2, 3))),
        Enrollment("other", tuple(tmp_path / "corpus/b" / f"{number}.wav" for number in (1, 2, 3))),
    )
    assert plan.streams == (
        Stream("owner", Outcome.ACCEPT, tmp_path / "a/deep/down/4.wav"),
        Stream("other", Outcome.REJECT, tmp_path / "corpus/b/4.wav"),
        Stream("stranger", Outcome.REJECT, tmp_path / "corpus/c/0.flac"),
        Stream("noise", Outcome.UNDECIDED, noise),
    )


def test_the_longest_of_the_rest_is_streamed(tmp_path: Path) -> None:
    lengths = {"1": 400, "2": 100, "3": 100, "4": 150, "5": 300, "6": 200}
    for speaker in ("a", "b", "c"):
        for name, length in lengths.items():
            record(tmp_path / speaker / f"{name}.wav", length)

    streamed = [stream.recording.relative_to(tmp_path) for stream in make_plan(tmp_path).streams[:3]]

    assert streamed == [Path("a/5.wav"), Path("b/5.wav"), Path("c/1.wav")]


def test_the_shipped_noise_stands_in(tmp_path: Path) -> None:
    for speaker in ("a", "b", "c"):
        for number in range(4):
            record(tmp_path / speaker / f"{number}.wav")

    assert make_plan(tmp_path).streams[3].recording == SHIPPED / "noise" / "1.opus"


@pytest.mark.parametrize("counts", [{}, {"a": 4}, {"a": 4, "b": 4}, {"a": 4, "b": 3, "c": 3}, {"a": 1, "b": 4, "c": 4}])
def test_too_few_recordings_are_named(tmp_path: Path, counts: dict[str, int]) -> None:
    for speaker, count in counts.items():
        for number in range(count):
            record(tmp_path / speaker / f"{number}.wav")

    with pytest.raises(DemoDataError, match="does not suffice: the demo needs two directories of at least 4 recordings"):
        make_plan(tmp_path)


def test_a_broken_recording_is_named(tmp_path: Path) -> None:
    for speaker in ("a", "b", "c"):
        for number in range(5):
            record(tmp_path / speaker / f"{number}.wav")
    (tmp_path / "b/4.wav").write_text("not audio")

    with pytest.raises(AudioFileError, match=r"b/4\.wav cannot be read as audio"):
        make_plan(tmp_path)


def test_the_shipped_voices_suffice() -> None:
    plan = make_plan(SHIPPED)

    assert [enrollment.recordings[0].parent.name for enrollment in plan.enrollments] == ["1-slt", "2-rms"]
    assert [stream.recording.parent.name for stream in plan.streams] == ["1-slt", "2-rms", "3-awb", "noise"]
    assert all(duration(recording) > 4 for enrollment in plan.enrollments for recording in enrollment.recordings)
    assert all(duration(stream.recording) >= 5 for stream in plan.streams)
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*.opus")) < 300_000
