"""Where speech is: a gate that makes segments of what a detector of voices says."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.config import VadConfig
from daemon.hearing.detectors import HOP, VoiceDetector, voice_detector
from models.features import Waveform

__all__ = ["HOP", "Hop", "Passage", "SpeechGate", "pcm16", "speech_gate"]

HOP_MS: Final = 10
FAINTEST_POWER: Final = 1e-7
"""Mean square below which nothing is speech (-70 dB relative to full scale)."""


@dataclass(frozen=True, slots=True)
class Hop:
    """10 ms of audio from sample `start`, its mean square, whether it is voiced, and how likely it is a voice, 0 to 1."""

    start: int
    samples: Waveform
    power: float
    voiced: bool
    voice: float = 0.0

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

    A hop is voiced from a likelihood of `threshold` on. The gate opens when voiced hops outnumber unvoiced ones by `start` and then
    passes on the hops before them too, up to `pre_roll`; it closes after `hang_over` unvoiced hops in a row, which it still passes on.
    All three are counts of hops.
    """

    def __init__(self, detector: VoiceDetector, *, start: int, pre_roll: int, hang_over: int, threshold: float = 0.5) -> None:
        self._detector = detector
        self._threshold = threshold
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
        self._detector.reset()
        return ended

    def _judge(self, samples: Waveform) -> Hop:
        exact = samples.astype(np.float64)
        power = float(exact @ exact) / HOP
        # A detector hears all of the stream, even what is too faint to be speech: to leave something out would join what is apart.
        voice = self._detector.voice(pcm16(samples))
        hop = Hop(self._position, samples, power, power >= FAINTEST_POWER and voice >= self._threshold, voice)
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
    """Return the gate that `config` describes, with a detector of its own; raises what `voice_detector` raises."""
    return SpeechGate(
        voice_detector(config),
        threshold=config.threshold,
        start=max(1, config.start_ms // HOP_MS),
        pre_roll=config.pre_roll_ms // HOP_MS,
        hang_over=max(1, config.hang_over_ms // HOP_MS),
    )


def pcm16(samples: Waveform) -> NDArray[np.int16]:
    """Round samples in [-1, 1] to 16-bit PCM; what exceeds full scale is clipped."""
    pcm: NDArray[np.int16] = np.rint(np.minimum(np.maximum(samples * 32768.0, -32768.0), 32767.0)).astype(np.int16)
    return pcm
