"""`speakerd evaluate-decisions` as somebody runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from daemon import __main__ as command
from daemon.config import Config
from daemon.errors import EvaluationError
from tests.daemon.evaluation.conftest import RECORDINGS, SPEAKERS, STRANGERS
from tests.fakes import PLAIN_VAD, FakeEncoder, fake_calibration

TESTS = SPEAKERS * (RECORDINGS - 3)

Evaluate = Callable[..., Result]


@pytest.fixture
def evaluate(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Return what runs the command on the corpus, with the fake encoder and its calibration."""
    monkeypatch.setattr(command, "load_config", lambda _: Config(vad=PLAIN_VAD))
    monkeypatch.setattr(command, "load_encoder", lambda *_: FakeEncoder())
    monkeypatch.setattr(command, "read_calibration", lambda *_: fake_calibration(accept=0.8, reject=0.6))

    def run(*more: str) -> Result:
        arguments = ["--manifest", str(corpus / "manifest.tsv"), "--root", str(corpus), "--jobs", "1", *more]
        return CliRunner().invoke(command.speakerd, ["evaluate-decisions", *arguments])

    return run


def figures_in(path: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures


def test_what_is_measured_is_printed_and_written(evaluate: Evaluate, tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    done = evaluate("--far", "0.02", "--frr", "0.1", "--change-rounds", "2", "--json", str(output))
    assert done.exit_code == 0
    for said in ("false accepts", "false rejects", "undecided", "seconds of speech until", "anybody of 4 voices", "changes of speaker"):
        assert said in done.output
    figures = figures_in(output)
    assert figures["n_target"] == TESTS
    assert figures["n_nontarget"] == TESTS * (SPEAKERS - 1) + STRANGERS * SPEAKERS
    assert (figures["far"]["target"], figures["frr"]["target"]) == (0.02, 0.1)
    for name in ("far", "frr", "undecided"):
        low, high = figures[name]["interval"]
        assert low <= figures[name]["rate"] <= high
    assert figures["far"]["keeps_target"] is True
    for name in ("seconds_to_accept", "seconds_to_reject"):
        assert 0.5 <= figures[name]["median"] <= figures[name]["p90"]
    assert figures["identification"]["known"]["recognised"]["rate"] == 1.0
    assert figures["noise"] is None
    assert figures["changes"]["streams"] == 4 * SPEAKERS
    assert list(figures["by"]["corpus"]) == ["synthetic"]


def test_the_same_arguments_give_the_same_bytes(evaluate: Evaluate, tmp_path: Path) -> None:
    for name in ("first.json", "second.json"):
        assert evaluate("--json", str(tmp_path / name), "--no-changes").exit_code == 0
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_noise_is_heard_and_added(evaluate: Evaluate, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    noise = ("--noise", str(corpus / "noise.tsv"), "--noise-root", str(corpus), "--noise-hours", "0.005", "--snr", "10")
    done = evaluate(*noise, "--no-changes", "--json", str(output))
    assert done.exit_code == 0
    assert "in noise, 10 dB below the speech" in done.output
    figures = figures_in(output)
    assert figures["setup"]["snr"] == 10.0
    assert figures["noise"]["all"]["accepts"]["hours"] == pytest.approx(0.005, abs=1e-3)
    assert figures["changes"] is None


def test_a_plot_is_drawn(evaluate: Evaluate, tmp_path: Path) -> None:
    assert evaluate("--no-changes", "--plot", str(tmp_path / "errors.png")).exit_code == 0
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_without_matplotlib_is_refused_before_anything_is_measured(evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.evaluation.command.find_spec", lambda _: None)
    done = evaluate("--plot", "errors.png")
    assert isinstance(done.exception, EvaluationError)
    assert "--plot needs matplotlib" in str(done.exception)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--snr", "10"], "--snr needs noise"),
        (["--json", "nowhere/out.json"], "nowhere is no directory"),
        (["--far", "0.5", "--frr", "0.5"], "cannot be: false_accept_rate and false_reject_rate must"),
        (["--plot", "errors.txt"], "a picture's name ends in .png, .svg, .pdf"),
        (["--snr", "nan"], "--snr nan is no number"),
        (["--noise-hours", "inf"], "--noise-hours inf is no number"),
    ],
)
def test_what_cannot_be_is_refused(more: list[str], said: str, evaluate: Evaluate) -> None:
    done = evaluate(*more)
    assert isinstance(done.exception, EvaluationError)
    assert said in str(done.exception)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("path\tspeaker\n", "column 'corpus' is missing"),
        ("path\tspeaker\tcorpus\nhiss.wav\ta\tb\n", "four recordings or more"),
        ("path\tspeaker\tcorpus\n" + "absent.wav\ta\tb\n" * 4, "absent.wav cannot be read: it is not there"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(manifest: str, said: str, evaluate: Evaluate, tmp_path: Path) -> None:
    path = tmp_path / "manifest.tsv"
    path.write_text(manifest)
    done = evaluate("--manifest", str(path))
    assert isinstance(done.exception, EvaluationError)
    assert said in str(done.exception)


def test_a_list_without_noises_is_refused(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "none.tsv").write_text("path\n")
    done = evaluate("--noise", str(tmp_path / "none.tsv"))
    assert isinstance(done.exception, EvaluationError)
    assert "lists no noise" in str(done.exception)


@pytest.mark.parametrize("more", [["--manifest", "nowhere.tsv"], ["--root", "nowhere"], ["--far", "0"], ["--far", "0.6"], ["--jobs", "0"]])
def test_usage_is_checked(more: list[str], evaluate: Evaluate) -> None:
    assert evaluate(*more).exit_code == 2
