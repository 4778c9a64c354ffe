"""The distribution as its users get it: built, installed in a fresh environment, and run outside of the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"clients", "daemon", "models", "proto"}
EXAMPLES = {"clients.examples.mqtt_bridge": "paho-mqtt", "clients.examples.wyoming_satellite": "wyoming"}
"""Examples that need the extra `examples` -> what they need of it."""

# pip fetches what is not in its cache, over whatever network there is.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an sdist from a copy of the checkout, and a wheel from that sdist: what the sdist lacks, the wheel lacks too."""
    source, output = tmp_path_factory.mktemp("source") / "speakerd", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs"))
    # The backend is the installed one: an isolated build would download it anew each time.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output), str(source))
    return next(output.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, with what it requires and nothing else, in an environment of its own; return the directory of its commands."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, with_pip=False)
    run(sys.executable, "-m", "pip", "--python", str(directory / "bin" / "python"), "install", "--quiet", "--no-compile", str(wheel))
    return directory / "bin"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    names = [name for name in ZipFile(wheel).namelist() if not name.startswith(f"speakerd-{version('speakerd')}.dist-info/")]
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert sorted(names) == sorted(path.relative_to(ROOT).as_posix() for path in files)
    for data in (
        "models/weights/edge.onnx",
        "proto/speakerd/v1/verification.proto",
        "clients/scenarios/examples/front-door.yaml",
        "clients/voices/1-slt/1.opus",
        "daemon/py.typed",
        "daemon/weights/silero_vad_16k_sequence.onnx",
    ):
        assert data in names


@pytest.mark.parametrize("licence", ["LICENSE", "daemon/weights/silero_vad.LICENSE"])
def test_the_wheel_holds_the_licences(wheel: Path, licence: str) -> None:
    assert [name for name in ZipFile(wheel).namelist() if name.endswith(f"licenses/{licence}")]


def test_every_module_outside_of_training_can_be_imported(environment: Path, wheel: Path, tmp_path: Path) -> None:
    """Without the extras: what the runtime imports is declared as a requirement.

    Only pytest loads the plugin for pytest, only what records a microphone loads PortAudio, and only
    what draws loads matplotlib.
    """
    python = str(environment / "python")
    assert run(python, "-c", "import importlib.util; print(importlib.util.find_spec('torch'))", cwd=tmp_path) == "None\n"
    modules = [name.removesuffix(".py").replace("/", ".") for name in ZipFile(wheel).namelist() if name.endswith(".py")]
    others = {"clients.scenarios.pytest_plugin", "daemon.capture.portaudio", "daemon.evaluation.plot", *EXAMPLES}
    runtime = [name for name in modules if name.startswith(("clients.", "daemon.", "proto.speakerd.")) and name not in others]
    run(python, "-W", "error", "-c", f"import {', '.join(runtime)}", cwd=tmp_path)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_say_what_they_need(environment: Path, example: str, tmp_path: Path) -> None:
    done = subprocess.run([environment / "python", "-m", example, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(f" needs {EXAMPLES[example]}: run `pip install '.[examples]'`\n")


@pytest.mark.parametrize("command", ["speakerd", "speakerctl"])
def test_the_commands_explain_themselves(environment: Path, command: str, tmp_path: Path) -> None:
    assert f"Usage: {command}" in run(environment / command, "--help", cwd=tmp_path)


def test_the_demo_tells_its_streams_apart(environment: Path, tmp_path: Path) -> None:
    streams = [json.loads(line) for line in run(environment / "speakerctl", "demo", "--json", cwd=tmp_path).splitlines()]
    assert len(streams) == 4
    assert all(stream["decision"] == stream["expected"] for stream in streams)
    assert not list(tmp_path.iterdir())


def test_the_shipped_scenarios_pass(environment: Path, tmp_path: Path) -> None:
    shipped = "from pathlib import Path; from clients import scenarios; print(*Path(scenarios.__file__).parent.glob('examples/*.yaml'))"
    files = run(environment / "python", "-c", shipped, cwd=tmp_path).split()
    reports = [json.loads(line) for line in run(environment / "speakerctl", "replay", "--json", *files, cwd=tmp_path).splitlines()]
    assert [report["passed"] for report in reports if "scenario" in report] == [True] * 3


def test_the_installed_version_is_the_declared_one() -> None:
    """An environment that is older than setup.cfg would test something else."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert version("speakerd") == config["metadata"]["version"]
