"""Where speech is: a detector of voiced audio, and a gate that makes segments of what it says."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from daemon.config import VadConfig
from models.features import SAMPLE_RATE, Waveform

HOP: Final = 160
"""Samples that are judged at a time (10 ms)."""
HOP_MS: Final = 10
FAINTEST_POWER: Final = 1e-7
"""Mean square below which nothing is speech (-70 dB relative to full scale)."""


class VoiceDetector(Protocol):
    """Says of one hop after the other whether it is voiced; it may remember the hops before."""

    def is_speech(self, hop: NDArray[np.int16]) -> bool:
        """Judge the next `HOP` samples of 16-bit PCM."""
        ...


class WebRtcDetector:
    """WebRTC's detector: Gaussian mixtures over six bands. `aggressiveness` 0 to 3: the higher, the less passes for speech."""

    def __init__(self, aggressiveness: int) -> None:
        self._vad = webrtcvad.Vad(aggressiveness)

    def is_speech(self, hop: NDArray[np.int16]) -> bool:
        """Judge the next `HOP` samples of 16-bit PCM."""
        return bool(self._vad.is_speech(hop.tobytes(), SAMPLE_RATE))


@dataclass(frozen=True, slots=True)
class Hop:
    """10 ms of audio from sample `start`, its mean square, and whether it is voiced."""

    start: int
    samples: Waveform
    power: float
    voiced: bool

    @property
    def end(self) -> int:
        """The sample after the last."""
        return self.start + HOP


@dataclass(frozen=True, slots=True)
class Passage:
    """What the gate makes of one hop.

    hop: the hop itself. passed: the hops that now belong to speech, in order; several when the gate opens, none while it is closed.
    started, ended: the sample where speech begins or ended, if this hop tells.
    """

    hop: Hop
    passed: tuple[Hop, ...] = ()
    started: int | None = None
    ended: int | None = None


class SpeechGate:
    """Cuts a stream of hops into segments of speech.

    It opens when voiced hops outnumber unvoiced ones by `start` and then passes on the hops before them too, up to `pre_roll`; it
    closes after `hang_over` unvoiced hops in a row, which it still passes on. All three are counts of hops.
    """

    def __init__(self, detector: VoiceDetector, *, start: int, pre_roll: int, hang_over: int) -> None:
        self._detector = detector
        self._start = start
        self._hang_over = hang_over
        self._before: deque[Hop] = deque(maxlen=start + pre_roll)
        self._position = 0
        self.open = False
        """Whether speech goes on."""
        self._surplus = 0
        self._onset = 0
        self._voiced_until = 0

    def push(self, samples: Waveform) -> Passage:
        """Take the next `HOP` samples in [-1, 1]."""
        hop = self._judge(samples)
        if hop.voiced:
            self._voiced_until = hop.end
        return self._while_open(hop) if self.open else self._while_closed(hop)

    def finish(self) -> int | None:
        """End the stream: the sample where speech ended, if the gate was open. What is pushed from now on does not follow it."""
        ended = self._voiced_until if self.open else None
        self.open, self._surplus = False, 0
        self._before.clear()
        return ended

    def _judge(self, samples: Waveform) -> Hop:
        exact = samples.astype(np.float64)
        power = float(exact @ exact) / HOP
        voiced = power >= FAINTEST_POWER and self._detector.is_speech(pcm16(samples))
        hop = Hop(self._position, samples, power, voiced)
        self._position = hop.end
        return hop

    def _while_closed(self, hop: Hop) -> Passage:
        self._before.append(hop)
        if self._surplus == 0:
            self._onset = hop.start
        self._surplus = max(0, self._surplus + (1 if hop.voiced else -1))
        if self._surplus < self._start:
            return Passage(hop)
        self.open, self._surplus = True, 0
        passed = tuple(self._before)
        self._before.clear()
        return Passage(hop, passed, started=max(self._onset, passed[0].start))

    def _while_open(self, hop: Hop) -> Passage:
        if hop.end - self._voiced_until < self._hang_over * HOP:
            return Passage(hop, (hop,))
        self.open = False
        return Passage(hop, (hop,), ended=self._voiced_until)


def speech_gate(config: VadConfig) -> SpeechGate:
    """Return the gate that `config` describes, in front of a detector of its own."""
    return SpeechGate(
        WebRtcDetector(config.aggressiveness),
        start=max(1, config.start_ms // HOP_MS),
        pre_roll=config.pre_roll_ms // HOP_MS,
        hang_over=max(1, config.hang_over_ms // HOP_MS),
    )


def pcm16(samples: Waveform) -> NDArray[np.int16]:
    """Round samples in [-1, 1] to 16-bit PCM; what exceeds full scale is clipped."""
    pcm: NDArray[np.int16] = np.rint(np.minimum(np.maximum(samples * 32768.0, -32768.0), 32767.0)).astype(np.int16)
    return pcm
