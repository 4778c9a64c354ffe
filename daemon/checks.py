"""Whether recordings are fit to be enrolled: pure functions that raise what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.config import DecisionConfig, EnrollmentConfig
from daemon.decision import Decider
from daemon.errors import (
    ClippedAudioError,
    EmptyAudioError,
    NotEnoughSpeechError,
    SimilarSpeakerError,
    VoicesDifferError,
    WrongModelError,
)
from daemon.events import Evidence, Outcome
from daemon.speakers import Speaker, Template, unit
from models.calibration.calibration import Calibration
from models.encoder import Embedding
from models.features import SAMPLE_RATE

MOST_ROUNDS: Final = 10
"""Of 2-means; it settles in two or three."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """What was heard of one recording.

    length: its samples. embedding: of all its speech, of unit length; None if there was too little for one. pieces: the embeddings
    of its consecutive pieces, each by itself.
    """

    length: int
    evidence: Evidence
    embedding: Embedding | None
    pieces: tuple[Embedding, ...]

    @property
    def seconds(self) -> float:
        """Net speech in seconds."""
        return self.evidence.speech / SAMPLE_RATE


def check_speech(recordings: Sequence[Recording], config: EnrollmentConfig) -> None:
    """Raise `EmptyAudioError` or `NotEnoughSpeechError` unless every recording and all together have speech enough."""
    for number, recording in enumerate(recordings, start=1):
        if not recording.length:
            raise EmptyAudioError(f"recording {number} has no audio", recording=str(number))
        if recording.seconds < config.min_recording_seconds or recording.embedding is None:
            raise NotEnoughSpeechError(
                f"recording {number} has {recording.seconds:.1f} s of speech, {config.min_recording_seconds:.1f} s are needed in each: "
                "speak a whole sentence",
                recording=str(number),
                speech_seconds=f"{recording.seconds:.2f}",
                needed_seconds=f"{config.min_recording_seconds:.2f}",
            )
    total = sum(recording.seconds for recording in recordings)
    if total < config.min_speech_seconds:
        raise NotEnoughSpeechError(
            f"{total:.1f} s of speech were heard, {config.min_speech_seconds:.1f} s are needed: "
            f"speak {config.min_speech_seconds - total:.1f} s more",
            speech_seconds=f"{total:.2f}",
            needed_seconds=f"{config.min_speech_seconds:.2f}",
        )


def check_clipping(recordings: Sequence[Recording], config: EnrollmentConfig) -> None:
    """Raise `ClippedAudioError` if a recording is overdriven."""
    for number, recording in enumerate(recordings, start=1):
        if recording.evidence.clipped > config.max_clipped:
            raise ClippedAudioError(
                f"recording {number} is overdriven ({recording.evidence.clipped:.0%} of its speech is at full scale): "
                "lower the microphone's level, or speak from farther away",
                recording=str(number),
                clipped_fraction=f"{recording.evidence.clipped:.3f}",
            )


def check_one_voice(recordings: Sequence[Recording], config: EnrollmentConfig) -> None:
    """Raise `VoicesDifferError` if a recording has two voices, or does not sound like the others."""
    for number, recording in enumerate(recordings, start=1):
        voices = split_voices(recording.pieces)
        if voices.agreement < config.min_agreement:
            raise _voices_differ(f"recording {number} sounds like more than one person", [number], voices)
    voices = split_voices([recording.embedding for recording in recordings if recording.embedding is not None])
    if voices.agreement < config.min_agreement:
        odd = [index + 1 for index in voices.odd]
        rest = [number for number in range(1, len(recordings) + 1) if number not in odd]
        verb = "does" if len(odd) == 1 else "do"
        raise _voices_differ(f"{_list_recordings(odd)} {verb} not sound like {_list_recordings(rest)}", odd, voices)


def check_same_speaker(templates: Sequence[Template], known: Speaker, config: DecisionConfig, calibration: Calibration) -> None:
    """Raise `WrongModelError`, or `VoicesDifferError` if one of `templates` would be rejected as the voice of `known`."""
    if known.model_id != templates[0].model_id:
        raise WrongModelError(
            f"{known.name!r} is enrolled with model {known.model_id}, the daemon runs {templates[0].model_id}: "
            "enroll anew, replacing what is enrolled",
            speaker=known.name,
        )
    decider = Decider([known], config, calibration)
    for template in templates:
        decision = decider.decide(template.embedding, template.evidence, 0)
        if decision.outcome is Outcome.REJECT:
            raise VoicesDifferError(
                f"a recording does not sound like {known.name!r} as enrolled (LLR {decision.llr:.1f}): "
                "enroll under another name, or replace what is enrolled",
                speaker=known.name,
                llr=f"{decision.llr:.3f}",
            )


def check_not_enrolled(embedding: Embedding, model_id: str, others: Sequence[Speaker], config: EnrollmentConfig) -> None:
    """Raise `SimilarSpeakerError` if the voice resembles one of `others`; those of other models cannot be compared."""
    scores = {other.name: float(embedding @ other.voiceprint) for other in others if other.model_id == model_id}
    if scores and max(scores.values()) > config.similar_score:
        nearest = max(scores, key=lambda name: scores[name])
        raise SimilarSpeakerError(
            f"the voice resembles that of {nearest!r}, who is enrolled already (similarity {scores[nearest]:.2f}): "
            f"add the recordings to {nearest!r}, or allow similar speakers",
            speaker=nearest,
            similarity=f"{scores[nearest]:.3f}",
        )


class Voices(NamedTuple):
    """Two groups of embeddings: the cosine of their means, and the indices of the smaller group."""

    agreement: float
    odd: tuple[int, ...]


def split_voices(embeddings: Sequence[Embedding]) -> Voices:
    """Split embeddings of unit length into two groups of one voice each, if there were two voices.

    2-means on the sphere, begun at the two that differ most: the means of two groups tell more than any two single embeddings, and
    it does not matter how the voices take turns. Fewer than two embeddings agree.
    """
    if len(embeddings) < 2:  # noqa: PLR2004
        return Voices(1.0, ())
    points = np.asarray(embeddings, dtype=np.float64)
    similarity = points @ points.T
    # Neither of the two that differ most ever joins the other.
    np.fill_diagonal(similarity, np.inf)
    first, second = np.unravel_index(np.argmin(similarity), similarity.shape)
    ours = similarity[first] >= similarity[second]
    for _ in range(MOST_ROUNDS):
        previous, ours = ours, _nearer_to_own(points, ours)
        if (ours == previous).all():
            break
    smaller = ours if ours.sum() < len(ours) - ours.sum() else ~ours
    return Voices(float(_mean(points[ours]) @ _mean(points[~ours])), tuple(np.flatnonzero(smaller).tolist()))


def _nearer_to_own(points: Points, ours: NDArray[np.bool_]) -> NDArray[np.bool_]:
    nearer = points @ _mean(points[ours]) >= points @ _mean(points[~ours])
    return ours if nearer.all() or not nearer.any() else nearer


def _mean(points: Points) -> Points:
    return unit(points.mean(axis=0))


def _list_recordings(numbers: Sequence[int]) -> str:
    return f"recording {numbers[0]}" if len(numbers) == 1 else f"recordings {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _voices_differ(what: str, numbers: Sequence[int], voices: Voices) -> VoicesDifferError:
    return VoicesDifferError(
        f"{what} (agreement {voices.agreement:.2f}): record one person alone, in a quiet place",
        recording=",".join(map(str, numbers)),
        agreement=f"{voices.agreement:.3f}",
    )
