"""What a recorder tells the daemon through its pipe."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.capture.devices import Device

Samples = NDArray[np.float32]

HEADER: Final = struct.Struct("<cI")
"""Kind of a record, and how many bytes follow."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The devices that there are. Nothing follows."""

    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """The device is open: audio of `rate` Hz follows."""

    device: str
    rate: int


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """The next samples of the chosen channel, as the device delivered them, shape (n,)."""

    samples: Samples


@dataclass(frozen=True, slots=True)
class Lost:
    """Audio is missing between what came before and what follows."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """The device is open but delivers nothing. Nothing follows."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The device is gone or could not be opened. Nothing follows."""

    problem: str


Record = Listed | Opened | Audio | Lost | Stalled | Failed


def encode(record: Record) -> bytes:
    """Return the bytes of a record."""
    kind, content = _parts(record)
    return HEADER.pack(kind, len(content)) + content


def decode(kind: bytes, content: bytes) -> Record:
    """Return the record whose header says `kind`."""
    match kind:
        case b"A":
            return Audio(np.frombuffer(content, dtype="<f4"))
        case b"L":
            return Lost()
        case b"S":
            return Stalled()
        case b"D":
            return Listed(tuple(Device(**device) for device in json.loads(content)))
        case b"O":
            return Opened(**json.loads(content))
        case b"F":
            return Failed(**json.loads(content))
        case _:
            raise ValueError(f"no record is of kind {kind!r}")


def _parts(record: Record) -> tuple[bytes, bytes]:
    match record:
        case Audio(samples):
            return b"A", samples.astype("<f4").tobytes()
        case Lost():
            return b"L", b""
        case Stalled():
            return b"S", b""
        case Listed(devices):
            return b"D", json.dumps([asdict(device) for device in devices]).encode()
        case Opened():
            return b"O", json.dumps(asdict(record)).encode()
        case Failed():
            return b"F", json.dumps(asdict(record)).encode()
