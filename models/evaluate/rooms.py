"""Made-up rooms: impulse responses of rectangular ones by the image method.

Allen and Berkley, "Image method for efficiently simulating small-room acoustics", JASA 65 (4), 1979.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import SAMPLE_RATE, Waveform

LAYOUTS: Final = 16
"""How many rooms there are for each reverberation time."""
SMALLEST: Final = (3.0, 3.0, 2.4)
LARGEST: Final = (8.0, 6.0, 3.5)
"""Length, width and height in metres."""
WALL_DISTANCE: Final = 0.5
"""Least distance in metres of the speaker and of the microphone from any wall."""
_SOUND_SPEED: Final = 343.0


@cache
def impulse_response(reverberation: float, layout: int) -> Waveform:
    """Return what a microphone in room number `layout` hears of a click, (samples,), from its direct sound of height 1 on.

    The walls absorb so much that the sound decays by 60 dB in `reverberation` seconds by Eyring's formula; in a long room it takes up
    to a third longer, because what travels along it meets walls less often.
    """
    random = np.random.default_rng(layout)
    room = random.uniform(SMALLEST, LARGEST)
    speaker, microphone = random.uniform(WALL_DISTANCE, room - WALL_DISTANCE, size=(2, 3))
    reach = _SOUND_SPEED * reverberation
    squares, orders = zip(*(_images(*axis, reach) for axis in zip(room, speaker, microphone, strict=True)), strict=True)
    distance = np.sqrt(_outer_sum(squares)).ravel()
    near = distance < reach
    # Reflections that turn the sign cancel at low frequencies, which would pile up otherwise.
    amplitude = (-_reflection(room, reverberation)) ** _outer_sum(orders).ravel()[near] / distance[near]
    arrival = np.rint((distance[near] - distance.min()) / _SOUND_SPEED * SAMPLE_RATE).astype(np.intp)
    return np.asarray(np.bincount(arrival, amplitude) * distance.min(), dtype=np.float32)


def _images(size: float, speaker: float, microphone: float, reach: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the squared distance of a speaker's images along one axis, and how many walls each was reflected by."""
    rooms = np.arange(-int(reach / size / 2) - 1, int(reach / size / 2) + 2)
    positions = 2.0 * rooms * size + np.array([[speaker], [-speaker]])
    reflections = np.abs(rooms - np.array([[0], [1]])) + np.abs(rooms)
    return ((positions - microphone) ** 2).ravel(), reflections.ravel()


def _outer_sum(axes: tuple[NDArray[np.float64], ...] | tuple[NDArray[np.intp], ...]) -> NDArray[np.float64]:
    length, width, height = axes
    total: NDArray[np.float64] = length[:, None, None] + width[:, None] + height
    return total


def _reflection(room: NDArray[np.float64], reverberation: float) -> float:
    """Return the share of amplitude that a wall gives back: Eyring's formula, solved for it."""
    surface = 2.0 * (room[0] * room[1] + room[1] * room[2] + room[2] * room[0])
    return float(np.exp(-0.161 * room.prod() / (surface * reverberation) / 2.0))
