from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from models.evaluate.__main__ import main
from tests.models.evaluate.conftest import RECORDINGS, SPEAKERS


def arguments(corpus: Path, *more: str) -> list[str]:
    return ["--manifest", str(corpus / "manifest.tsv"), "--root", str(corpus), *more]


def test_the_command_measures_an_embedding(plugin: Path, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    command = [sys.executable, "-m", "models.evaluate", *arguments(corpus, "--embedding", "spectrum", "--json", str(output), "--jobs", "2")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(plugin)}, capture_output=True, text=True, check=True)
    assert "spectrum" in done.stdout
    figures = json.loads(output.read_text())["spectrum"]
    assert figures["n_target"] == 8 * 4
    assert figures["n_nontarget"] == 8 * 7 * 4
    assert figures["failures"] == 1
    assert figures["parameters"] == 0
    # One target trial in 32 has no embedding; the other synthetic voices are told apart well.
    assert figures["eer"] < 10.0
    assert figures["min_dcf"] >= 1 / 32
    assert figures["eer_interval"][0] <= figures["eer"] <= figures["eer_interval"][1]
    assert list(figures["by"]["corpus"]) == ["synthetic"]
    assert list(figures["by"]) == ["corpus", "sex", "language", "seconds"]
    assert list(figures["by"]["seconds"]) == ["1", "2", "3", "5", "10", "all"]
    assert figures["cllr"] > 0.0
    assert figures["min_dcf"] <= figures["act_dcf"]
    assert figures["min_dcf"] <= figures["min_dcf_001"] <= 1.0


@pytest.mark.usefixtures("plugin")
def test_several_embeddings_at_once(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "figures.json"
    main(arguments(corpus, "--embedding", "spectrum", "coarse", "--by", "--json", str(output), "--jobs", "1"))
    figures = json.loads(output.read_text())
    assert "seconds" not in figures["spectrum"]["by"]
    assert list(figures) == ["spectrum", "coarse"]
    assert figures["spectrum"]["eer"] < figures["coarse"]["eer"]
    assert "all trials, as multiples of spectrum" in capsys.readouterr().out


def _list_of_trials(path: Path) -> Path:
    """Write each recording from the fourth on against each speaker's first three."""
    lines = []
    for enrolled, speaker in product(range(SPEAKERS), range(SPEAKERS)):
        enroll = ",".join(f"{enrolled}-{take}.wav" for take in range(3))
        lines += [f"{int(enrolled == speaker)} {enroll} {speaker}-{take}.wav" for take in range(3, RECORDINGS)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("described", [True, False])
def test_the_trials_of_a_list(described: bool, corpus: Path, tmp_path: Path) -> None:  # noqa: FBT001 - pytest passes it by name
    trials, output = _list_of_trials(tmp_path / "mine.txt"), tmp_path / "figures.json"
    manifest = ["--manifest", str(corpus / "manifest.tsv")] if described else []
    more = ["--root", str(corpus), "--embedding", "spectrum", "--json", str(output), "--jobs", "1"]
    main([*manifest, "--trials", str(trials), *more])
    listed = json.loads(output.read_text())["spectrum"]
    main(arguments(corpus, "--embedding", "spectrum", "--json", str(output), "--jobs", "1"))
    made = json.loads(output.read_text())["spectrum"]
    assert list(listed["by"]["corpus"]) == ["synthetic" if described else "mine"]
    for figure in ("eer", "eer_pooled", "min_dcf", "n_target", "n_nontarget"):
        assert listed[figure] == made[figure]


@pytest.mark.usefixtures("plugin")
def test_a_list_names_what_the_manifest_lacks(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trials.txt").write_text("1 0-0.wav 9-9.wav\n")
    with pytest.raises(SystemExit):
        main(arguments(corpus, "--trials", str(tmp_path / "trials.txt"), "--embedding", "spectrum"))
    assert "9-9.wav is in the list of trials, but not in the manifest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--root", "."], "name what to measure on: --manifest, --trials or both"),
        (["--manifest", "m.tsv", "--root", "nowhere"], "--root nowhere is no directory"),
        (["--manifest", "m.tsv", "--root", ".", "--json", "nowhere/out.json"], "nowhere is no directory"),
        (["--manifest", "m.tsv", "--root", ".", "--det", "det.txt"], "a picture's name ends in .png, .svg, .pdf"),
        (["--manifest", "m.tsv", "--root", ".", "--jobs", "0"], "'0' is no number of processes"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_measured(more: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--embedding", "absent", *more])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("plugin")
def test_conditions_and_a_plot(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, plot = tmp_path / "figures.json", tmp_path / "det.png"
    more = ["--embedding", "spectrum", "coarse", "--json", str(output), "--det", str(plot), "--jobs", "1"]
    main(arguments(corpus, *more, "--by", "seconds", "noise", "room", "telephone", "--noise", str(corpus / "noise.tsv")))
    spectrum = json.loads(output.read_text())["spectrum"]
    names = {kind: list(spectrum["by"][kind]) for kind in ("seconds", "noise", "room", "telephone")}
    assert names == {
        "seconds": ["1", "2", "3", "5", "10", "all"],
        "noise": ["20", "10", "5", "0"],
        "room": ["0.3", "0.6"],
        "telephone": ["8000"],
    }
    assert spectrum["by"]["seconds"]["all"]["eer"] == spectrum["eer"]
    # Voices of half a second have nothing to be cut; a spectrum is another one in noise.
    assert spectrum["by"]["seconds"]["1"] == spectrum["by"]["seconds"]["all"]
    assert spectrum["by"]["noise"]["0"]["eer"] > spectrum["eer"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "noise 5" in printed
    assert "coarse" in printed


def test_a_plot_without_matplotlib_is_refused_before_anything_is_measured(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("models.evaluate.__main__.find_spec", lambda _: None)
    with pytest.raises(SystemExit):
        main(arguments(corpus, "--embedding", "absent", "--det", "det.png"))
    assert "--det needs matplotlib" in capsys.readouterr().err


@pytest.mark.usefixtures("plugin")
def test_noise_needs_a_list_of_noises(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments(corpus, "--embedding", "spectrum", "--by", "noise"))
    assert end.value.code == 1
    assert "list of noises" in capsys.readouterr().err


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("manifest", "embedding", "message"),
    [
        ("path\tspeaker\tcorpus\n", "spectrum", "no recording is listed"),
        ("path\tspeaker\n0-0.wav\ta\n", "spectrum", "column 'corpus' is missing"),
        ("path\tspeaker\tcorpus\nabsent.wav\ta\tb\n", "spectrum", "absent.wav cannot be read: it is not there"),
        ("path\tspeaker\tcorpus\n0-0.wav\ta\tb\n", "spectrum", "no corpus has 20 target"),
        ("path\tspeaker\tcorpus\n0-0.wav\ta\tb\n", "spektrum", "'spektrum' is not known; installed are:"),
    ],
)
def test_what_goes_wrong_is_said(
    manifest: str, embedding: str, message: str, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "manifest.tsv"
    path.write_text(manifest)
    with pytest.raises(SystemExit) as end:
        main(["--manifest", str(path), "--root", str(corpus), "--embedding", embedding, "--jobs", "1"])
    assert end.value.code == 1
    assert message in capsys.readouterr().err


def test_a_missing_manifest_is_named(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--manifest", str(tmp_path / "absent.tsv"), "--root", str(corpus), "--embedding", "edge"])
    assert "absent.tsv" in capsys.readouterr().err


@pytest.mark.usefixtures("plugin")
def test_an_unknown_embedding_is_told_before_the_first_is_measured(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "figures.json"
    with pytest.raises(SystemExit):
        main(arguments(corpus, "--embedding", "spectrum", "spektrum", "--json", str(output), "--jobs", "1"))
    assert "'spektrum' is not known" in capsys.readouterr().err
    assert not output.exists()
