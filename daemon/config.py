"""The daemon's settings: frozen, complete with defaults, checked before anything starts.

`config.yaml` at the root of the project documents every key and equals these defaults.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

import platformdirs
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from daemon.errors import ConfigError

APP: Final = "speakerd"
_LAST_PORT: Final = 65_535

_SIGNS: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
"""How the limits of a field are written, by their name in its metadata."""


def _absolute(path: Path) -> Path:
    expanded = path.expanduser()
    if not expanded.is_absolute():
        raise ValueError("must be an absolute path, or begin with ~")
    return expanded


AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Milliseconds = Annotated[int, Field(ge=0, le=5_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Cosine = Annotated[float, Field(ge=-1, le=1)]


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

    kind: Literal["webrtc"] = "webrtc"
    aggressiveness: Annotated[int, Field(ge=0, le=3)] = 2
    start_ms: Milliseconds = 60
    pre_roll_ms: Milliseconds = 200
    hang_over_ms: Milliseconds = 400


class DecisionConfig(_Section):
    """When a voice is accepted or rejected."""

    accept_score: Cosine = 0.6
    reject_score: Cosine = 0.4
    accept_speech_seconds: Seconds = 1.0
    reject_speech_seconds: Seconds = 2.5
    min_speech_seconds: Seconds = 0.5
    ambiguous_margin: Annotated[float, Field(ge=0, le=2)] = 0.05
    interim_seconds: Seconds = 0.24

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.reject_score >= self.accept_score:
            raise ValueError(f"reject_score ({self.reject_score}) must be below accept_score ({self.accept_score})")
        if self.min_speech_seconds > min(self.accept_speech_seconds, self.reject_speech_seconds):
            raise ValueError(f"min_speech_seconds ({self.min_speech_seconds}) must not exceed accept_ or reject_speech_seconds")
        return self


class EnrollmentConfig(_Section):
    """What an enrollment must fulfil."""

    min_speech_seconds: Seconds = 2.0
    min_recording_seconds: Seconds = 0.5
    max_clipped: Share = 0.05
    min_agreement: Cosine = 0.2
    similar_score: Cosine = 0.7

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.min_recording_seconds > self.min_speech_seconds:
            raise ValueError(f"min_recording_seconds ({self.min_recording_seconds}) must not exceed min_speech_seconds")
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
    limits: LimitsConfig = LimitsConfig()
    log: LogConfig = LogConfig()

    @model_validator(mode="after")
    def _streams_are_long_enough(self) -> Self:
        if self.limits.stream_seconds < self.enrollment.min_speech_seconds:
            raise ValueError("limits.stream_seconds must not be less than enrollment.min_speech_seconds: nobody could enroll")
        return self


def load_config(path: Path | None) -> Config:
    """Return the settings in the file at `path`, the built-in defaults for None.

    Raises `ConfigError` that lists every problem: the key, its value and what is allowed.
    """
    if path is None:
        return Config()
    try:
        content = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a safe loader, below
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    try:
        return Config.model_validate({} if content is None else content)
    except ValidationError as error:
        problems = "".join(f"\n  {_problem(detail)}" for detail in error.errors())
        raise ConfigError(f"{path} is invalid:{problems}") from None


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, where YAML would quietly take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as inherited
        keys = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in keys[:index]:
                raise yaml.constructor.ConstructorError(problem=f"{key.value} is given twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep=deep)


def _problem(detail: ErrorDetails) -> str:
    location, value = [str(part) for part in detail["loc"]], repr(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            text = f"unknown key; known here: {', '.join(_section(location[:-1]).model_fields)}"
        case "missing":
            text = "missing"
        case "model_type":
            text = f"{value} is not a mapping; known keys here: {', '.join(_section(location).model_fields)}"
        case "value_error":
            text = str(detail["ctx"]["error"]) if isinstance(detail["input"], dict) else f"{value}: {detail['ctx']['error']}"
        case "invalid_key":
            text = "keys are words"
        case _:
            text = f"{value}: {detail['msg'].lower()}{_bounds(location)}"
    return f"{'.'.join(location) or 'top level'}: {text}"


def _section(location: list[str]) -> type[BaseModel]:
    section: type[BaseModel] = Config
    for name in location:
        annotation = section.model_fields[name].annotation
        section = next(kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type) and issubclass(kind, BaseModel))
    return section


def _bounds(location: list[str]) -> str:
    metadata = _section(location[:-1]).model_fields[location[-1]].metadata
    bounds = [f"{sign} {getattr(item, name)}" for item in metadata for name, sign in _SIGNS.items() if hasattr(item, name)]
    return f" (allowed: {', '.join(bounds)})" if bounds else ""


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
