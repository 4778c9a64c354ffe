"""What passes a speech gate: of noises, which should stay outside, and of speech, which should not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.config import VadConfig
from daemon.hearing.vad import HOP, speech_gate
from models.evaluate.conditions import FRAME, speech_frames
from models.features import SAMPLE_RATE, Waveform

PAUSE: Final = SAMPLE_RATE // HOP
"""Hops without speech that end an attempt (1 s)."""
SCORED: Final = SAMPLE_RATE // (2 * HOP)
"""Voiced hops from which on an attempt is scored (0.5 s)."""


@dataclass(frozen=True)
class Heard:
    """What a gate made of a recording, hop by hop, (hops,): which passed, and which were voiced, too."""

    passed: NDArray[np.bool_]
    voiced: NDArray[np.bool_]

    @property
    def attempts(self) -> list[int]:
        """The voiced hops of each attempt that the recording begins."""
        places = np.flatnonzero(self.voiced)
        cuts = np.flatnonzero(np.diff(places) > PAUSE) + 1
        return [len(attempt) for attempt in np.split(places, cuts) if len(attempt)]


class Passed(NamedTuple):
    """Of noises, as shares: of their audio that passes, of those that begin an attempt, of those that would be scored as a voice."""

    audio: float
    begun: float
    scored: float


def hear(vad: VadConfig, waveform: Waveform) -> Heard:
    """Return what the gate that `vad` describes makes of mono samples in [-1, 1] at 16 kHz."""
    gate = speech_gate(vad)
    hops = waveform[: len(waveform) // HOP * HOP].reshape(-1, HOP)
    passed, voiced = np.zeros(len(hops), dtype=bool), np.zeros(len(hops), dtype=bool)
    for samples in hops:
        for hop in gate.push(samples).passed:
            passed[hop.start // HOP], voiced[hop.start // HOP] = True, hop.voiced
    return Heard(passed, voiced)


def passed(heard: Sequence[Heard]) -> Passed:
    """Return what passed of recordings without speech, at least one."""
    audio = sum(int(one.passed.sum()) for one in heard) / sum(len(one.passed) for one in heard)
    attempts = [one.attempts for one in heard]
    begun = sum(map(bool, attempts)) / len(heard)
    return Passed(audio, begun, sum(max(voiced, default=0) >= SCORED for voiced in attempts) / len(heard))


def missed(heard: Iterable[Heard], clean: Iterable[Waveform]) -> float:
    """Return the share of speech that does not pass.

    Where there is speech, the level of the recordings before noise was added tells: `models.evaluate.conditions.speech_frames`.
    """
    lost = total = 0
    for one, waveform in zip(heard, clean, strict=True):
        speech = np.repeat(speech_frames(waveform), FRAME // HOP)
        lost += int(np.count_nonzero(speech & ~one.passed[: len(speech)]))
        total += int(np.count_nonzero(speech))
    return lost / max(1, total)


def cost(vad: VadConfig, waveform: Waveform) -> float:
    """Return the processor time that the gate takes, as a share of the time that the audio lasts."""
    began = time.process_time()
    hear(vad, waveform)
    return (time.process_time() - began) * SAMPLE_RATE / len(waveform)
