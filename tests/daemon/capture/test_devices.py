from __future__ import annotations

import pytest

from daemon.capture.devices import Device, DeviceError, choose

DEVICES = [
    Device(0, "HDA Intel: ALC257 (hw:0,0)", 2, 48_000, default=False),
    Device(4, "USB Audio: - (hw:1,0)", 1, 44_100, default=False),
    Device(5, "USB Audio", 1, 44_100, default=False),
    Device(7, "default", 32, 48_000, default=True),
]


@pytest.mark.parametrize(("wanted", "index"), [("", 7), ("4", 4), ("alc257", 0), ("(hw:1,0)", 4), ("USB Audio", 5), ("default", 7)])
def test_a_device_is_named(wanted: str, index: int) -> None:
    assert choose(DEVICES, wanted).index == index


@pytest.mark.parametrize(
    ("devices", "wanted", "problem"),
    [
        (DEVICES, "usb audio", "2 devices are called 'usb audio': 4 'USB Audio: - (hw:1,0)', 5 'USB Audio'; give more of the name"),
        (DEVICES[:1], "jabra", r"no input device is called 'jabra'; there are 0 'HDA Intel: ALC257 (hw:0,0)'"),
        (DEVICES[:1], "9", "no input device is called '9'"),
        (DEVICES[:1], "", "the system has no default input device: name one of 0 'HDA"),
        ([], "", "this machine has no input device: plug in a microphone"),
    ],
)
def test_a_problem_says_what_there_is(devices: list[Device], wanted: str, problem: str) -> None:
    with pytest.raises(DeviceError) as caught:
        choose(devices, wanted)
    assert problem in str(caught.value)
