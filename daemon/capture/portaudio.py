"""PortAudio, by way of sounddevice. Loaded by recorders only."""

from __future__ import annotations

from typing import Final

from daemon.capture.devices import Device, DeviceError
from daemon.capture.records import Samples
from daemon.capture.ring import Ring
from daemon.errors import CaptureUnavailableError

try:
    import sounddevice
except ImportError:
    raise CaptureUnavailableError("microphones need sounddevice: install speakerd with the extra `mic`") from None
except OSError as error:
    raise CaptureUnavailableError(f"microphones need PortAudio ({error}): on Debian, run apt install libportaudio2") from None

BLOCKS_PER_SECOND: Final = 50
LATENCY: Final = 0.1
"""Seconds that the device may hold back: what a busy machine may be late by without a loss."""


def devices() -> list[Device]:
    """Return the input devices that were there when this process began."""
    default, _ = sounddevice.default.device
    return [
        Device(
            device["index"], device["name"], device["max_input_channels"], round(device["default_samplerate"]), device["index"] == default
        )
        for device in sounddevice.query_devices()
        if device["max_input_channels"]
    ]


class Stream:
    """One channel of a device, counted from 1, being put into `ring` at `rate` Hz. Raises `DeviceError`."""

    def __init__(self, device: Device, channel: int, rate: int, ring: Ring) -> None:
        def hear(block: Samples, _frames: int, _time: object, status: sounddevice.CallbackFlags) -> None:
            ring.put(block[:, channel - 1], overflow=status.input_overflow)

        try:
            self._stream = sounddevice.InputStream(
                device=device.index,
                channels=channel,
                samplerate=rate,
                blocksize=rate // BLOCKS_PER_SECOND,
                latency=LATENCY,
                dtype="float32",
                # Clipped samples are counted as they are.
                clip_off=True,
                dither_off=True,
                callback=hear,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(f"{device.name!r} cannot be opened with {channel} channel(s) at {rate} Hz: {error}") from None

    @property
    def active(self) -> bool:
        """Whether the device still works."""
        return bool(self._stream.active)
