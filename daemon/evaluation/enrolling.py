"""Enrollment as the daemon does it, but for one thing: who would be refused is enrolled nevertheless, and reported.

Leaving them out would make every figure better that they make worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from daemon.config import Config, EnrollmentConfig
from daemon.enrollment.session import EnrollmentSession
from daemon.errors import EmptyAudioError, EnrollmentRefusedError
from daemon.session import run
from daemon.speakers import Speaker, Template
from models.calibration.calibration import Calibration
from models.encoder import Encoder
from models.features import Waveform

_WHEN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A benchmark knows no time."""
_LENIENT: Final = EnrollmentConfig(min_speech_seconds=1e-3, min_recording_seconds=1e-3, max_clipped=1.0, two_people_odds=1e9)


@dataclass(frozen=True)
class Enrolled:
    """Somebody enrolled. speaker: None where no recording had speech enough for a template. refused: why the daemon would refuse."""

    speaker: Speaker | None
    refused: str | None = None


class Registrar:
    """Enrolls people with one encoder."""

    def __init__(self, encoder: Encoder, config: Config, calibration: Calibration) -> None:
        self._encoder = encoder
        self._config = config
        self._lenient = config.model_copy(update={"enrollment": _LENIENT})
        self._calibration = calibration

    def enroll(self, name: str, recordings: Sequence[Waveform]) -> Enrolled:
        """Enroll somebody with recordings, mono at 16 kHz in [-1, 1]; whom the voice resembles is not looked at."""
        try:
            return Enrolled(_speaker(name, self._templates(name, recordings, self._config)))
        except (EnrollmentRefusedError, EmptyAudioError) as error:
            refused = error.reason
        # One at a time: what is wrong with one recording must not keep out the others.
        kept = [template for recording in recordings for template in self._possible(name, recording)]
        return Enrolled(_speaker(name, tuple(kept)) if kept else None, refused)

    def _possible(self, name: str, recording: Waveform) -> tuple[Template, ...]:
        try:
            return self._templates(name, [recording], self._lenient)
        except (EnrollmentRefusedError, EmptyAudioError):
            return ()

    def _templates(self, name: str, recordings: Sequence[Waveform], config: Config) -> tuple[Template, ...]:
        session = EnrollmentSession(self._encoder.initial_state(), self._encoder.model_id, config, self._calibration)
        for number, recording in enumerate(recordings):
            if number:
                session.next_recording()
            session.feed(recording)
        session.finish()
        for _ in run(session, self._encoder):
            pass
        return session.result((), name=name, allow_similar=True)


def _speaker(name: str, templates: tuple[Template, ...]) -> Speaker:
    return Speaker(name, templates, _WHEN, _WHEN)
