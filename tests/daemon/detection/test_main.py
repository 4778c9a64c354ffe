from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from daemon.detection.__main__ import main
from models.features import SAMPLE_RATE
from tests import audio

VOICES = Path(__file__).parents[3] / "clients" / "voices"


@pytest.fixture
def corpus(tmp_path: Path) -> list[str]:
    """Write recordings and noises, and lists of them; return the arguments that name them."""
    for speaker in ("1-slt", "2-rms"):
        for number in range(1, 5):
            (tmp_path / f"{speaker}-{number}.opus").write_bytes((VOICES / speaker / f"{number}.opus").read_bytes())
    soundfile.write(tmp_path / "noise.wav", audio.noise(3.0, level=-20.0), SAMPLE_RATE)
    recordings = [f"{speaker}-{number}.opus\t{speaker}\tflite" for speaker in ("1-slt", "2-rms") for number in range(1, 5)]
    (tmp_path / "dev.tsv").write_text("\n".join(["path\tspeaker\tcorpus", *recordings]))
    (tmp_path / "noise.tsv").write_text("path\nnoise.wav\n")
    return ["--manifest", str(tmp_path / "dev.tsv"), "--noise", str(tmp_path / "noise.tsv"), "--root", str(tmp_path)]


def rows(output: str, gate: str) -> list[list[str]]:
    return [line.split() for line in output.replace(" dB", "").splitlines() if line.strip().startswith(gate)]


def test_gates_are_compared(corpus: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*corpus, "--gate", "webrtc:2", "silero:0.5"])
    output = capsys.readouterr().out
    (webrtc,), (silero,) = rows(output, "webrtc:2"), rows(output, "silero:0.5")
    assert float(webrtc[1]) > 90.0
    assert [float(figure) for figure in silero[1:4]] == [0.0, 0.0, 0.0]
    assert all(float(figure) < 10.0 for figure in (webrtc + silero)[4:7])


def test_only_the_first_recordings_may_be_heard(corpus: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*corpus, "--gate", "webrtc:3", "--recordings", "1"])
    assert len(rows(capsys.readouterr().out, "webrtc:3")) == 1


@pytest.mark.parametrize("gate", ["webrtc", "webrtc:4", "webrtc:x", "silero:1.0", "energy:1", ""])
def test_an_unknown_gate_is_refused(corpus: list[str], gate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*corpus, "--gate", gate])
    assert ended.value.code == 2
    assert "is no gate, such as webrtc:0 or silero:0.5" in capsys.readouterr().err


def test_a_missing_list_is_told(corpus: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*corpus, "--manifest", "missing.tsv"])
    assert ended.value.code == 1
    assert "missing.tsv" in capsys.readouterr().err
