"""An enrollment of whoever speaks, as a pure state machine: audio in, progress out, templates at the end."""

from __future__ import annotations

from daemon.config import Config
from daemon.enrollment.session import EnrollmentSession
from daemon.errors import NotEnoughSpeechError
from daemon.events import EnrollmentProgress, Event
from daemon.hearing.hops import HopQueue
from daemon.hearing.listener import Encode
from daemon.hearing.vad import Passage, speech_gate
from models.calibration.calibration import Calibration
from models.encoder import State, Step
from models.features import SAMPLE_RATE, Waveform


class SpokenEnrollment:
    """Makes recordings of what is spoken, until there is enough of it; see `daemon.session.Session` for how to drive it.

    A recording ends where an attempt would: after `attempts.pause_seconds` without speech, after `attempts.speech_seconds` of speech, or
    where audio is missing. One that is too short to enroll from goes on. The enrollment ends with the first recording that makes it
    enough, or with the audio; what is fed after that is ignored.
    """

    def __init__(self, encoder_start: State, model_id: str, config: Config, calibration: Calibration) -> None:
        self.session = EnrollmentSession(encoder_start, model_id, config, calibration)
        """What is enrolled: it has the result when this is done."""
        self._config = config
        self._hops = HopQueue()
        self._gate = speech_gate(config.vad)
        self._needed = round(config.enrollment.min_speech_seconds * SAMPLE_RATE)
        self._recordings = 1
        self._recorded = 0
        self._spoken_until = 0
        self._finished = False
        self._ended = False

    @property
    def done(self) -> bool:
        """There is enough, or no more audio, and all of it is processed."""
        return self.session.done

    def feed(self, samples: Waveform) -> None:
        """Buffer mono samples in [-1, 1] at 16 kHz, shape (n,), n >= 0."""
        self._hops.push(samples)

    def cut(self) -> None:
        """Audio is missing here. Poll until there is nothing to do before."""
        self._end_recording()

    def finish(self) -> None:
        """No more audio."""
        self._finished = True

    def poll(self) -> Encode | Event | None:
        """Return what to do next, as `Session.poll` says. Raises `NotEnoughSpeechError` if nobody speaks for `limits.idle_seconds`."""
        while (due := self.session.poll()) is None and not self._ended:
            if (samples := self._hops.take()) is not None:
                self.session.feed(samples)
                self._advance(self._gate.push(samples))
            elif self._finished:
                self._end()
            else:
                return None
        if isinstance(due, EnrollmentProgress):
            self._recorded, self._needed = due.evidence.speech, due.needed
        return due

    def encoded(self, step: Step) -> None:
        """Take the encoder step that the last `Encode` asked for."""
        self.session.encoded(step)

    def _advance(self, passage: Passage) -> None:
        at = passage.hop.end
        if passage.hop.voiced and self._gate.open:
            self._spoken_until = at
        silence = (at - self._spoken_until) / SAMPLE_RATE
        paused = not self._gate.open and silence >= self._config.attempts.pause_seconds
        if paused or self._recorded >= self._config.attempts.speech_seconds * SAMPLE_RATE:
            self._end_recording()
        if silence >= (idle := self._config.limits.idle_seconds) and not self._ended:
            raise NotEnoughSpeechError(
                f"nobody spoke for {idle:g} s, and {self._needed / SAMPLE_RATE:.1f} s of speech are missing: speak up, nearer to the "
                "microphone, and see whether it is muted",
                needed_seconds=f"{self._needed / SAMPLE_RATE:.2f}",
            )

    def _end_recording(self) -> None:
        if self._recorded < self._config.enrollment.min_recording_seconds * SAMPLE_RATE:
            return
        if not self._needed:
            self._end()
        elif self._recordings < self._config.limits.recordings:
            self.session.next_recording()
            self._recordings += 1
            self._recorded = 0

    def _end(self) -> None:
        self.session.finish()
        self._ended = True
