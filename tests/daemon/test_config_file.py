from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import CaptureConfig, Config
from daemon.config_file import load_config
from daemon.errors import ConfigError


def problems(tmp_path: Path, text: str) -> str:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    return str(caught.value)


def test_no_file_means_the_defaults() -> None:
    assert load_config(None) == Config()


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    assert load_config(tmp_path / "config.yaml") == Config()


def test_values_are_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("server: {socket: ~/s.sock, tcp: '[::1]:50051'}\nlimits: {stream_seconds: 60}\nmodel: {backend: torch}\n")
    config = load_config(file)
    assert config.server.socket == Path.home() / "s.sock"
    assert config.server.tcp == "[::1]:50051"
    assert config.limits.stream_seconds == 60.0
    assert config.model.backend == "torch"


def test_captures_are_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("captures: {küche: {}, door.2: {device: 2, channel: 3, rate: 48000, give_up_seconds: null}}\n")
    captures = load_config(file).captures
    assert captures["küche"] == CaptureConfig()
    assert captures["door.2"] == CaptureConfig(device="2", channel=3, rate=48_000, give_up_seconds=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vad: {agressiveness: 1}", "vad.agressiveness: unknown key; known here: kind, threshold, aggressiveness"),
        ("sever: {}", "sever: unknown key; known here: model, server, storage"),
        ("vad: {kind: energy}", "vad.kind: 'energy': input should be 'silero' or 'webrtc'"),
        ("vad: {threshold: 1.0}", "vad.threshold: 1.0: input should be less than 1 (allowed: > 0, < 1)"),
        ("vad: {aggressiveness: 4}", "vad.aggressiveness: 4: input should be less than or equal to 3 (allowed: >= 0, <= 3)"),
        ("limits: {stream_seconds: 0}", "limits.stream_seconds: 0: input should be greater than 0 (allowed: > 0, <= 86400)"),
        ("limits: {stream_seconds: .nan}", "limits.stream_seconds: nan: input should be a finite number"),
        ("limits: {streams: 1.5}", "limits.streams: 1.5: input should be a valid integer"),
        ("limits: {streams: '8'}", "limits.streams: '8': input should be a valid integer"),
        ("model: {threads: true}", "model.threads: True: input should be a valid integer"),
        ("model: {backend: tf}", "model.backend: 'tf': input should be 'onnxruntime' or 'torch'"),
        ("model: {1: 2}", "model.1: keys are words"),
        ("decision:", "decision: None is not a mapping; known keys here: false_accept_rate"),
        ("[]", "top level: [] is not a mapping"),
        ("storage: {directory: data}", "storage.directory: 'data': must be an absolute path, or begin with ~"),
        ("storage: {directory: 3}", "storage.directory: 3: input is not a valid path"),
        ("server: {tcp: '127.0.0.1:1', tls: {key: /k}}", "server.tls.certificate: missing"),
        ("server: {tcp: localhost}", "server: tcp 'localhost' must be HOST:PORT"),
        ("server: {tcp: '127.0.0.1:70000'}", "must be HOST:PORT"),
        ("server: {tcp: '0.0.0.0:50051'}", "tcp '0.0.0.0:50051' is reachable from other machines: set tls"),
        ("server: {tcp: 'example.org:50051'}", "reachable from other machines"),
        ("server: {tls: {certificate: /c, key: /k, client_ca: /a}}", "server: tls protects the TCP address, but tcp is not set"),
        ("decision: {accept_score: 0.6}", "decision.accept_score: unknown key; known here: false_accept_rate, false_reject_rate"),
        ("decision: {false_accept_rate: 0}", "decision.false_accept_rate: 0: input should be greater than 0 (allowed: > 0, <= 0.5)"),
        ("decision: {false_reject_rate: 0.6}", "decision.false_reject_rate: 0.6: input should be less than or equal to 0.5"),
        ("decision: {false_accept_rate: 0.5, false_reject_rate: 0.5}", "decision: false_accept_rate and false_reject_rate must be"),
        ("decision: {prior: 1}", "decision.prior: 1: input should be less than 1 (allowed: > 0, < 1)"),
        ("decision: {calibration: mine.npz}", "decision.calibration: 'mine.npz': must be an absolute path"),
        ("decision: {min_speech_seconds: 9}", "decision: min_speech_seconds (9.0) must not exceed speech_seconds"),
        ("enrollment: {min_recording_seconds: 4}", "enrollment: min_recording_seconds (4.0) must not exceed"),
        ("enrollment: {max_mutual_false_accept: 0.01}", "enrollment: warn_mutual_false_accept (0.05) must not exceed"),
        ("enrollment: {two_people_odds: 0.5}", "enrollment.two_people_odds: 0.5: input should be greater than or equal to 1"),
        ("enrollment: {min_agreement: 0.2}", "enrollment.min_agreement: unknown key; known here: min_speech_seconds"),
        ("limits: {stream_seconds: 1}", "limits.stream_seconds must not be less than enrollment.min_speech_seconds"),
        ("attempts: {speech_seconds: 0.4}", "attempts.speech_seconds must not be less than decision.min_speech_seconds"),
        ("captures: {door: {chanel: 1}}", "captures.door.chanel: unknown key; known here: device, channel, rate"),
        ("captures: {door: {channel: 0}}", "captures.door.channel: 0: input should be greater than or equal to 1 (allowed: >= 1, <= 64)"),
        ("captures: {door: {rate: 4000}}", "captures.door.rate: 4000: input should be greater than or equal to 8000"),
        ("captures: {door: {device: true}}", "captures.door.device: True: input should be a valid string"),
        ("captures: {door: {retry_seconds: 60}}", "captures.door: retry_seconds (60.0) must not exceed max_retry_seconds (15.0)"),
        ("captures: {door: }", "captures.door: None is not a mapping; known keys here: device"),
        ("captures: {'front door': {}}", "captures.front door: names are 1 to 64 letters, digits"),
        ("captures: {1: {}}", "captures.1: names are 1 to 64 letters, digits"),
        ("captures: [door]", "captures: ['door'] is not a mapping of names"),
        ("log: {level: info, level: debug}", "level is given twice"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_problem_names_the_key_the_value_and_what_is_allowed(tmp_path: Path, text: str, expected: str) -> None:
    message = problems(tmp_path, text)
    assert str(tmp_path / "config.yaml") in message
    assert expected in message


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    message = problems(tmp_path, "vad: {aggressiveness: -1, kind: x}\nlog: {colour: red}\n")
    assert all(key in message for key in ("vad.aggressiveness", "vad.kind", "log.colour"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml cannot be read: No such file"):
        load_config(tmp_path / "nothing.yaml")


def test_tls_allows_an_address_that_others_reach(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("server: {tcp: '0.0.0.0:50051', tls: {certificate: /c, key: /k, client_ca: /a}}")
    assert load_config(file).server.tcp == "0.0.0.0:50051"
