"""One enrollment as a pure state machine: recordings in, progress out, templates at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from daemon.config import Config
from daemon.enrollment.checks import check_clipping, check_not_enrolled, check_one_voice, check_same_speaker, check_speech
from daemon.enrollment.quality import RecordingQuality, assess
from daemon.enrollment.recording import Recorder
from daemon.enrollment.similar import SimilarVoice, similar_voices
from daemon.errors import TooManyRecordingsError
from daemon.events import EnrollmentProgress, Event
from daemon.hearing.listener import Encode
from daemon.session import Session
from daemon.speakers import Speaker, Template, mean_direction
from models.calibration.calibration import Calibration
from models.encoder import Embedding, State, Step
from models.features import SAMPLE_RATE, Waveform


@dataclass(frozen=True)
class Enrollment:
    """What recordings give that passed the checks: templates, how good each recording is, and the enrolled voices that are close."""

    templates: tuple[Template, ...]
    recordings: tuple[RecordingQuality, ...]
    similar: tuple[SimilarVoice, ...]


class EnrollmentSession(Session[Event]):
    """Makes templates of one person's recordings; see `daemon.session.Session` for how to drive it.

    `next_recording` stands between two recordings. EnrollmentProgress comes with each encoder step, its `at` counting over all
    recordings. After `finish` and a poll that returns None, `checked` runs the checks and returns what is to be kept.
    """

    def __init__(self, encoder_start: State, model_id: str, config: Config, calibration: Calibration) -> None:
        self._start = encoder_start
        self._model_id = model_id
        self._config = config
        self._calibration = calibration
        self._needed = round(config.enrollment.min_speech_seconds * SAMPLE_RATE)
        self._recordings = [Recorder(encoder_start, config)]
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
        self._recordings.append(Recorder(self._start, self._config))

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

    def checked(self, others: Sequence[Speaker], *, name: str, allow_similar: bool, known: Speaker | None = None) -> Enrollment:
        """Check the recordings; return what they give, one template and one quality for each, in order.

        others: who else is enrolled; one called `name` does not count. allow_similar: enroll even a voice that is close to one of them.
        known: the speaker whose templates these are added to; the recordings must sound like them.

        Raises `EmptyAudioError`, a subclass of `EnrollmentRefusedError`, or `WrongModelError` if `known` has another model.
        """
        config, calibration = self._config.enrollment, self._calibration
        recordings = [recorder.recording() for recorder in self._recordings]
        check_speech(recordings, config)
        check_clipping(recordings, config)
        check_one_voice(recordings, config, calibration)
        if known is not None:
            check_same_speaker(recordings, known, config, calibration)
        templates = tuple(Template(each.embedding, self._model_id, each.evidence) for each in recordings if each.embedding is not None)
        strangers = [other for other in others if other.name != name]
        similar = similar_voices(_voice(templates, known), strangers, self._config, calibration)
        if not allow_similar:
            check_not_enrolled(similar, config)
        return Enrollment(templates, assess(recordings, calibration), similar)

    def result(self, others: Sequence[Speaker], *, name: str, allow_similar: bool, known: Speaker | None = None) -> tuple[Template, ...]:
        """Return the templates alone of what `checked` returns."""
        return self.checked(others, name=name, allow_similar=allow_similar, known=known).templates

    def _progress(self) -> EnrollmentProgress:
        listener = self._recordings[self._polled].listener
        evidence = listener.evidence
        speech = self._earlier.speech + evidence.speech
        return EnrollmentProgress(self._earlier.at + listener.at, self._polled + 1, evidence, speech, max(0, self._needed - speech))


def _voice(templates: Sequence[Template], known: Speaker | None) -> Embedding:
    """Return what the voiceprint will be, with the templates as one session."""
    sessions = [mean_direction([template.embedding for template in templates])]
    if known is not None:
        sessions += known.session_means
    return mean_direction(sessions)


class _Heard(NamedTuple):
    """Samples and net speech of the recordings that are over."""

    at: int = 0
    speech: int = 0
