from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.evaluate.__main__ import main


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


@pytest.mark.usefixtures("plugin")
def test_several_embeddings_at_once(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    main(arguments(corpus, "--embedding", "spectrum", "coarse", "--json", str(output), "--jobs", "1"))
    figures = json.loads(output.read_text())
    assert list(figures) == ["spectrum", "coarse"]
    assert figures["spectrum"]["eer"] < figures["coarse"]["eer"]


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("manifest", "embedding", "message"),
    [
        ("path\tspeaker\tcorpus\n", "spectrum", "no recording is listed"),
        ("path\tspeaker\n0-0.wav\ta\n", "spectrum", "column 'corpus' is missing"),
        ("path\tspeaker\tcorpus\nabsent.wav\ta\tb\n", "spectrum", "absent.wav cannot be read"),
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
