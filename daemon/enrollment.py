"""One enrollment as a pure state machine: recordings in, progress out, templates at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from daemon.checks import Recording, check_clipping, check_not_enrolled, check_one_voice, check_same_speaker, check_speech
from daemon.config import Config
from daemon.errors import TooManyRecordingsError
from daemon.events import EnrollmentProgress, Event
from daemon.listener import STEP_FRAMES, Encode, Listener
from daemon.session import Session
from daemon.speakers import Speaker, Template, mean_direction, unit
from models.calibration.calibration import Calibration
from models.encoder import Embedding, State, Step
from models.features import HOP_SAMPLES, SAMPLE_RATE, Frames, Waveform

PIECE_STEPS: Final = round(3.0 * SAMPLE_RATE / (STEP_FRAMES * HOP_SAMPLES))
"""Encoder steps in a piece of about 3 s, which is encoded by itself to find out whether a recording has two voices.

Voices that take turns within every piece look like one.
"""


class EnrollmentSession(Session[Event]):
    """Makes templates of one person's recordings; see `daemon.session.Session` for how to drive it.

    `next_recording` stands between two recordings. EnrollmentProgress comes with each encoder step, its `at` counting over all
    recordings. After `finish` and a poll that returns None, `result` runs the checks and returns one template per recording.
    """

    def __init__(self, encoder_start: State, model_id: str, config: Config, calibration: Calibration) -> None:
        self._start = encoder_start
        self._model_id = model_id
        self._config = config
        self._calibration = calibration
        self._needed = round(config.enrollment.min_speech_seconds * SAMPLE_RATE)
        self._recordings = [_Recorder(encoder_start, config)]
        self._polled = 0
        self._earlier = _Heard()
        self._finished = False
        self._progressed = False
        self.done = False
        """All audio is processed, and no more comes."""

    def feed(self, samples: Waveform) -> None:
        """Buffer mono samples of the current recording in [-1, 1] at 16 kHz, shape (n,), n >= 0."""
        self._recordings[-1].listener.feed(samples)

    def next_recording(self) -> None:
        """End the current recording; what is fed from now on is the next one. Raises `TooManyRecordingsError`."""
        if len(self._recordings) == self._config.limits.recordings:
            raise TooManyRecordingsError(
                f"a speaker can have {len(self._recordings)} recordings (limits.recordings): enroll from fewer, longer ones",
                recordings=str(len(self._recordings)),
            )
        self._recordings[-1].listener.finish()
        self._recordings.append(_Recorder(self._start, self._config))

    def finish(self) -> None:
        """No more audio."""
        self._recordings[-1].listener.finish()
        self._finished = True

    def poll(self) -> Encode | Event | None:
        """Return what to do next, as `Session.poll` says."""
        if self._progressed:
            self._progressed = False
            return self._progress()
        while (due := self._recordings[self._polled].poll()) is None and self._polled < len(self._recordings) - 1:
            listener = self._recordings[self._polled].listener
            self._earlier = _Heard(self._earlier.at + listener.at, self._earlier.speech + listener.evidence.speech)
            self._polled += 1
        self.done = self._finished and due is None
        return due

    def encoded(self, step: Step) -> None:
        """Take the encoder step that the last `Encode` asked for."""
        self._progressed = self._recordings[self._polled].encoded(step)

    def result(self, others: Sequence[Speaker], *, name: str, allow_similar: bool, known: Speaker | None = None) -> tuple[Template, ...]:
        """Check the recordings and return one template for each, in order.

        others: who else is enrolled; one called `name` does not count. allow_similar: enroll even a voice that resembles one of them.
        known: the speaker whose templates these are added to; the recordings must sound like them.

        Raises `EmptyAudioError`, a subclass of `EnrollmentRefusedError`, or `WrongModelError` if `known` has another model.
        """
        config = self._config.enrollment
        recordings = [recorder.recording() for recorder in self._recordings]
        check_speech(recordings, config)
        check_clipping(recordings, config)
        check_one_voice(recordings, config)
        templates = tuple(Template(r.embedding, self._model_id, r.evidence) for r in recordings if r.embedding is not None)
        voice = mean_direction([template.embedding for template in templates])
        if known is not None:
            # Who would be rejected must not become part of the voiceprint that accepts.
            check_same_speaker(templates, known, self._config.decision, self._calibration)
        if not allow_similar:
            check_not_enrolled(voice, self._model_id, [other for other in others if other.name != name], config)
        return templates

    def _progress(self) -> EnrollmentProgress:
        listener = self._recordings[self._polled].listener
        evidence = listener.evidence
        speech = self._earlier.speech + evidence.speech
        return EnrollmentProgress(self._earlier.at + listener.at, self._polled + 1, evidence, speech, max(0, self._needed - speech))


class _Heard(NamedTuple):
    """Samples and net speech of the recordings that are over."""

    at: int = 0
    speech: int = 0


class _Recorder:
    """Encodes one recording twice: as a whole for its template, and in pieces by themselves.

    The pieces cost a second encoder step each; an enrollment is short and rare, and they show what a running mean hides.
    """

    def __init__(self, start: State, config: Config) -> None:
        self.listener = Listener(start, config.vad)
        self._pieces = _Pieces(start)
        self._whole: Frames | None = None
        """Being encoded as part of the whole."""
        self._piece: Frames | None = None
        """Encoded as part of the whole, not yet as part of a piece."""

    def poll(self) -> Encode | None:
        if self._piece is not None:
            return Encode(self._piece, self._pieces.state)
        while (due := self.listener.poll()) is not None:
            if isinstance(due, Encode):
                self._whole = due.frames
                return due
        return None

    def encoded(self, step: Step) -> bool:
        """Take a step; return whether the whole recording has advanced by it."""
        if self._piece is not None:
            self._piece = None
            self._pieces.encoded(step)
            return False
        self._piece = self._whole
        self.listener.encoded(step)
        return True

    def recording(self) -> Recording:
        listener = self.listener
        embedding = None if listener.embedding is None else unit(listener.embedding).astype(np.float32)
        return Recording(listener.at, listener.evidence, embedding, self._pieces.embeddings())


class _Pieces:
    """Embeddings of consecutive pieces, each from a fresh state; a last one under half the length says too little."""

    def __init__(self, start: State) -> None:
        self.state = start
        self._start = start
        self._steps = 0
        self._latest: list[Embedding] = []
        self._whole: list[Embedding] = []

    def encoded(self, step: Step) -> None:
        self.state, self._latest = step.state, [unit(step.embedding[0]).astype(np.float32)]
        self._steps += 1
        if self._steps == PIECE_STEPS:
            self._whole += self._latest
            self.state, self._steps = self._start, 0

    def embeddings(self) -> tuple[Embedding, ...]:
        last = self._latest if self._steps >= PIECE_STEPS // 2 else []
        return (*self._whole, *last)
