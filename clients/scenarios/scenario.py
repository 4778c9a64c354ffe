"""What a scenario file may say: who is enrolled, what is heard when, what must be decided and what must not.

docs/scenarios.md documents every key. All times are in seconds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationInfo, model_validator

from clients.errors import AudioFileError
from clients.files import HIGHEST_RATE, LOWEST_RATE, duration
from clients.messages import Reason

LONGEST: Final = 3600.0
"""Seconds that a scenario may last: it is rendered in memory."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def _recording(path: Path, info: ValidationInfo) -> Path:
    """Find a path from the scenario's directory, which is the validation's context."""
    found = (info.context or Path()) / path.expanduser()
    try:
        seconds = duration(found)
    except AudioFileError as error:
        raise ValueError(str(error)) from None
    if not seconds:
        raise ValueError(f"{found} holds no audio")
    return Path(found)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{text!r} has characters that cannot be printed")
    return text


def _is_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a name: use letters, digits, _ and -, and begin with a letter")
    return text


def _is_not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("the list is empty: name at least one")
    return items


def _between(low: float, high: float) -> AfterValidator:
    def check(number: float) -> float:
        if not low <= number <= high:
            raise ValueError(f"{number:g} is out of range: {low:g} to {high:g} are allowed")
        return number

    return AfterValidator(check)


Recording = Annotated[Path, Field(strict=False), AfterValidator(_recording)]
Recordings = Annotated[tuple[Recording, ...], Field(strict=False), AfterValidator(_is_not_empty)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
SpeakerName = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_printable)]
PartName = Annotated[str, AfterValidator(_is_name)]
Length = Annotated[float, _between(0.01, LONGEST)]
Position = Annotated[float, _between(0, LONGEST)]
LevelDb = Annotated[float, _between(-100, 0)]
Color = Literal["white", "pink"]
ReasonName = Annotated[Reason, Field(strict=False)]
Verdict = Literal["ACCEPT", "REJECT", "UNDECIDED", "AMBIGUOUS", "ANY"]


class Section(BaseModel):
    """A mapping of the file: unknown keys are errors, numbers are numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Silence(Section):
    """Nothing but zeros."""

    silence: Length
    name: PartName | None = None

    at: ClassVar[None] = None
    overlap: ClassVar[float] = 0.0
    repeat: ClassVar[int] = 1
    pause: ClassVar[float] = 0.0


class _Sound(Section):
    """What is heard. at: where it begins, laid over the rest; otherwise after the part before it, or `overlap` seconds earlier."""

    name: PartName | None = None
    at: Position | None = None
    overlap: Position = 0.0
    repeat: Annotated[int, _between(1, 1000)] = 1
    pause: Position = 0.0

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.at is not None and self.overlap:
            raise ValueError("at and overlap both say where it begins: give one of them")
        return self


class Noise(_Sound):
    """Noise of the scenario's seed. level_dbfs: its RMS relative to full scale."""

    noise: Length
    level_dbfs: LevelDb = -40.0
    color: Color = "white"


class Recorded(_Sound):
    """A recording, or the cut from `start` to `end` of it, amplified by `gain_db`."""

    file: Recording
    start: Annotated[Position, Field(alias="from")] = 0.0
    end: Annotated[Length | None, Field(alias="to")] = None
    gain_db: Annotated[float, _between(-100, 60)] = 0.0

    @model_validator(mode="after")
    def _is_in_the_file(self) -> Self:
        seconds = duration(self.file)
        if not self.start < (seconds if self.end is None else self.end) <= seconds:
            raise ValueError(f"from must come before to, and both must lie in the recording, which lasts {seconds:.3f} s")
        return self


class Background(Section):
    """Noise under the whole stream."""

    level_dbfs: LevelDb
    color: Color = "white"


class _Rule(Section):
    """A kind of final decision, and when. `start` counts from the beginning of the part `during`, else of the stream.

    reason: only decisions for this reason.
    """

    decide: Verdict
    reason: ReasonName | None = None
    speaker: SpeakerName | None = None
    during: str | None = None
    start: Annotated[Position, Field(alias="from")] = 0.0

    @model_validator(mode="after")
    def _names_only_who_is_accepted(self) -> Self:
        if self.speaker is not None and self.decide != "ACCEPT":
            raise ValueError(f"speaker goes with decide: ACCEPT; with {self.decide} nobody is recognised")
        return self


class Expect(_Rule):
    """A decision that must come, at `end` the latest: that counts as `start` does."""

    end: Annotated[Position | None, Field(alias="by")] = None


class Never(_Rule):
    """A decision that must not come until `end`, which counts as `start` does."""

    end: Annotated[Position | None, Field(alias="to")] = None


PARTS: Final[dict[str, type[Section]]] = {"file": Recorded, "noise": Noise, "silence": Silence}
"""The key that tells what a part is, and its model."""


def _kind(part: object) -> str | None:
    return next((key for key in PARTS if key in part), None) if isinstance(part, dict) else None


Part = Annotated[
    Annotated[Recorded, Tag("file")] | Annotated[Noise, Tag("noise")] | Annotated[Silence, Tag("silence")],
    Discriminator(
        _kind, custom_error_type="part_kind", custom_error_message=f"a part is a mapping with one of the keys {', '.join(PARTS)}"
    ),
]


class Scenario(Section):
    """A scenario. Files are found, but only `clients.scenarios.load_scenario` checks how its sections fit together.

    rate: of the rendered stream, in hertz. seed: of all noise. enroll: the recordings that make each speaker known.
    """

    title: Text
    rate: Annotated[int, _between(LOWEST_RATE, HIGHEST_RATE)] = 16_000
    seed: Annotated[int, _between(0, 2**32)] = 0
    enroll: dict[SpeakerName, Recordings] = {}
    background: Background | None = None
    audio: Annotated[tuple[Part, ...], Field(strict=False), AfterValidator(_is_not_empty)]
    expect: Annotated[tuple[Expect, ...], Field(strict=False)] = ()
    never: Annotated[tuple[Never, ...], Field(strict=False)] = ()
