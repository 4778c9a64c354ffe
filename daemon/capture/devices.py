"""Input devices, and which of them a configuration means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DeviceError(Exception):
    """A device cannot be recorded; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Device:
    """An input device. rate: its own, in Hz."""

    index: int
    name: str
    channels: int
    rate: int
    default: bool


def choose(devices: Sequence[Device], wanted: str) -> Device:
    """Return the device whose name or index is `wanted`; part of the name will do, and nothing stands for the system's default.

    Raises `DeviceError` if there is none, or more than one.
    """
    if wanted == "":
        found = [device for device in devices if device.default]
    elif wanted.isdecimal():
        found = [device for device in devices if device.index == int(wanted)]
    else:
        exact = [device for device in devices if device.name == wanted]
        found = exact or [device for device in devices if wanted.lower() in device.name.lower()]
    if len(found) == 1:
        return found[0]
    raise DeviceError(_problem(devices, wanted, found))


def _problem(devices: Sequence[Device], wanted: str, found: Sequence[Device]) -> str:
    if found:
        return f"{len(found)} devices are called {wanted!r}: {_names(found)}; give more of the name, or the index"
    if not devices:
        return "this machine has no input device: plug in a microphone"
    if wanted == "":
        return f"the system has no default input device: name one of {_names(devices)}"
    return f"no input device is called {wanted!r}; there are {_names(devices)}"


def _names(devices: Sequence[Device]) -> str:
    return ", ".join(f"{device.index} {device.name!r}" for device in devices)
