"""The daemon's settings: frozen, complete with defaults, checked before anything starts; `daemon.config_file` reads them.

`config.yaml` at the root of the project documents every key and equals these defaults.
"""

from __future__ import annotations

import ipaddress
import os
import unicodedata
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

APP: Final = "speakerd"
_LAST_PORT: Final = 65_535


def _absolute(path: Path) -> Path:
    expanded = path.expanduser()
    if not expanded.is_absolute():
        raise ValueError("must be an absolute path, or begin with ~")
    return expanded


def _device(value: object) -> object:
    return str(value) if type(value) is int else value


AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Milliseconds = Annotated[int, Field(ge=0, le=5_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=0.5)]
CaptureName = Annotated[str, Field(pattern=r"^\w[\w.-]{0,63}$"), AfterValidator(partial(unicodedata.normalize, "NFC"))]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ModelConfig(_Section):
    """Which encoder runs, and how."""

    name: Annotated[str, Field(min_length=1)] = "edge"
    backend: Literal["onnxruntime", "torch"] = "onnxruntime"
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 32


class TlsConfig(_Section):
    """Certificates of the TCP address; clients must present one that `client_ca` signed."""

    certificate: AbsolutePath
    key: AbsolutePath
    client_ca: AbsolutePath


class ServerConfig(_Section):
    """Where the daemon listens, and how it stops."""

    socket: AbsolutePath | None = None
    tcp: str | None = None
    tls: TlsConfig | None = None
    grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0

    @property
    def socket_path(self) -> Path:
        """The unix socket: as configured, else in the user's runtime directory, else in their state directory."""
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        directory = Path(runtime) / APP if runtime else platformdirs.user_state_path(APP)
        return self.socket or directory / "speakerd.sock"

    @model_validator(mode="after")
    def _tcp_is_safe(self) -> Self:
        if self.tcp is None:
            if self.tls:
                raise ValueError("tls protects the TCP address, but tcp is not set")
            return self
        if not self.tls and not _is_loopback(_host(self.tcp)):
            raise ValueError(f"tcp {self.tcp!r} is reachable from other machines: set tls, or use 127.0.0.1, [::1] or localhost")
        return self


class StorageConfig(_Section):
    """Where voiceprints are kept."""

    directory: AbsolutePath | None = None
    key_file: AbsolutePath | None = None

    @property
    def data_directory(self) -> Path:
        """The directory of the database: as configured, else the user's data directory."""
        return self.directory or platformdirs.user_data_path(APP)

    @property
    def key_path(self) -> Path:
        """The file of the key that encrypts voiceprints: as configured, else beside the database."""
        return self.key_file or self.data_directory / "voiceprints.key"


class VadConfig(_Section):
    """What counts as speech."""

    kind: Literal["silero", "webrtc"] = "silero"
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    aggressiveness: Annotated[int, Field(ge=0, le=3)] = 2
    start_ms: Milliseconds = 100
    pre_roll_ms: Milliseconds = 300
    hang_over_ms: Milliseconds = 400


class DecisionConfig(_Section):
    """How often a decision may be wrong, and what it needs."""

    false_accept_rate: Rate = 0.01
    false_reject_rate: Rate = 0.05
    prior: Annotated[float, Field(gt=0, lt=1)] = 0.5
    ambiguous_llr: Annotated[float, Field(ge=0, le=60)] = 2.0
    min_voice: Share = 0.65
    min_speech_seconds: Seconds = 0.5
    speech_seconds: Seconds = 8.0
    pause_seconds: Annotated[float, Field(ge=0.1, le=86_400)] | None = None
    interim_seconds: Seconds = 0.24
    calibration: AbsolutePath | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.false_accept_rate + self.false_reject_rate >= 1.0:
            raise ValueError("false_accept_rate and false_reject_rate must be less than 1 together: a coin would keep them")
        if self.min_speech_seconds > self.speech_seconds:
            raise ValueError(f"min_speech_seconds ({self.min_speech_seconds}) must not exceed speech_seconds: nothing would be decided")
        return self


class EnrollmentConfig(_Section):
    """What an enrollment must fulfil."""

    min_speech_seconds: Seconds = 2.0
    min_recording_seconds: Seconds = 0.5
    max_clipped: Share = 0.05
    two_people_odds: Annotated[float, Field(ge=1, le=1e9)] = 5.0
    max_mutual_false_accept: Share = 0.5
    warn_mutual_false_accept: Share = 0.05
    adapt: bool = False
    adapt_margin: Annotated[float, Field(ge=0, le=60)] = 3.0
    adapt_speech_seconds: Seconds = 1.5
    adapt_snr_db: Annotated[float, Field(ge=-20, le=60)] = 15.0
    adapt_templates: Annotated[int, Field(ge=1, le=100)] = 8

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.min_recording_seconds > self.min_speech_seconds:
            raise ValueError(f"min_recording_seconds ({self.min_recording_seconds}) must not exceed min_speech_seconds")
        if self.warn_mutual_false_accept > self.max_mutual_false_accept:
            raise ValueError(f"warn_mutual_false_accept ({self.warn_mutual_false_accept}) must not exceed max_mutual_false_accept")
        return self


class LimitsConfig(_Section):
    """What bounds the daemon's memory and disk."""

    streams: Annotated[int, Field(ge=1, le=10_000)] = 32
    speakers: Annotated[int, Field(ge=1, le=100_000)] = 1000
    recordings: Annotated[int, Field(ge=1, le=10_000)] = 50
    stream_seconds: Seconds = 300.0
    idle_seconds: Seconds = 30.0
    message_bytes: Annotated[int, Field(ge=4_096, le=64 * 2**20)] = 262_144
    name_length: Annotated[int, Field(ge=1, le=256)] = 64


class AttemptsConfig(_Section):
    """How what a capture hears is cut into attempts, and who was accepted is followed."""

    pause_seconds: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    speech_seconds: Seconds = 8.0
    follow: bool = True
    view_seconds: Annotated[float, Field(ge=0.5, le=10)] = 2.0
    level_seconds: Annotated[float, Field(ge=0.01, le=60)] = 0.1


class SubscriptionsConfig(_Section):
    """What is kept for those who subscribe to what the captures hear."""

    subscribers: Annotated[int, Field(ge=1, le=10_000)] = 32
    queue: Annotated[int, Field(ge=1, le=100_000)] = 256
    history: Annotated[int, Field(ge=0, le=1_000_000)] = 1024
    decision_expiry_seconds: Seconds = 5.0


class CaptureConfig(_Section):
    """A microphone that the daemon listens to by itself, and how it gets it back."""

    device: Annotated[str, BeforeValidator(_device)] = ""
    channel: Annotated[int, Field(ge=1, le=64)] = 1
    rate: Annotated[int, Field(ge=8_000, le=192_000)] | None = None
    gain_db: Annotated[float, Field(ge=-60, le=60)] = 0.0
    autostart: bool = True
    stall_seconds: Annotated[float, Field(ge=0.2, le=60)] = 1.0
    retry_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 0.5
    max_retry_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 15.0
    give_up_seconds: Seconds | None = 600.0

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.retry_seconds > self.max_retry_seconds:
            raise ValueError(f"retry_seconds ({self.retry_seconds}) must not exceed max_retry_seconds ({self.max_retry_seconds})")
        return self


class LogConfig(_Section):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Config(_Section):
    """All settings."""

    model: ModelConfig = ModelConfig()
    server: ServerConfig = ServerConfig()
    storage: StorageConfig = StorageConfig()
    vad: VadConfig = VadConfig()
    decision: DecisionConfig = DecisionConfig()
    enrollment: EnrollmentConfig = EnrollmentConfig()
    attempts: AttemptsConfig = AttemptsConfig()
    subscriptions: SubscriptionsConfig = SubscriptionsConfig()
    captures: dict[CaptureName, CaptureConfig] = {}
    limits: LimitsConfig = LimitsConfig()
    log: LogConfig = LogConfig()

    @model_validator(mode="after")
    def _streams_are_long_enough(self) -> Self:
        if self.limits.stream_seconds < self.enrollment.min_speech_seconds:
            raise ValueError("limits.stream_seconds must not be less than enrollment.min_speech_seconds: nobody could enroll")
        return self

    @model_validator(mode="after")
    def _attempts_are_long_enough(self) -> Self:
        if self.attempts.speech_seconds < self.decision.min_speech_seconds:
            raise ValueError("attempts.speech_seconds must not be less than decision.min_speech_seconds: nothing would be decided")
        if self.attempts.view_seconds < self.decision.min_speech_seconds:
            raise ValueError("attempts.view_seconds must not be less than decision.min_speech_seconds: nobody could be followed")
        return self


def _host(address: str) -> str:
    host, separator, port = address.rpartition(":")
    if not (separator and host and port.isascii() and port.isdigit() and int(port) <= _LAST_PORT):
        raise ValueError(f"tcp {address!r} must be HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051")
    return host.removeprefix("[").removesuffix("]")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
