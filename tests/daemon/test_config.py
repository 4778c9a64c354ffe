from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from daemon.config import CaptureConfig, Config, ServerConfig, StorageConfig
from daemon.config_file import load_config

DOCUMENTED = Path(__file__).parents[2] / "config.yaml"


def test_documented_settings_are_the_defaults() -> None:
    assert load_config(DOCUMENTED) == Config()


def test_every_key_is_documented() -> None:
    assert yaml.safe_load(DOCUMENTED.read_text()) == Config().model_dump(mode="json")


def test_every_key_of_a_capture_is_documented_with_its_default() -> None:
    lines = DOCUMENTED.read_text().splitlines()
    example = lines[lines.index("# captures:") : lines.index("captures: {}")]
    documented = yaml.safe_load("\n".join(line.removeprefix("# ") for line in example))
    assert documented == {"captures": {"door": CaptureConfig().model_dump(mode="json")}}


def test_every_key_has_a_comment() -> None:
    lines = DOCUMENTED.read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if line.startswith("  ") and not line.lstrip().startswith("#")]
    assert [lines[number] for number in keys if not lines[number - 1].lstrip().startswith("#")] == []


def test_the_socket_is_in_the_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert ServerConfig().socket_path == Path("/run/user/7/speakerd/speakerd.sock")


def test_without_a_runtime_directory_the_socket_is_in_the_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/a/state")
    assert ServerConfig().socket_path == Path("/home/a/state/speakerd/speakerd.sock")


def test_the_key_is_beside_the_database_unless_it_is_set() -> None:
    assert StorageConfig(directory=Path("/d")).key_path == Path("/d/voiceprints.key")
    assert StorageConfig(directory=Path("/d"), key_file=Path("/k")).key_path == Path("/k")
