"""Whether recordings are fit to be enrolled: pure functions that raise what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daemon.config import EnrollmentConfig
from daemon.errors import (
    ClippedAudioError,
    EmptyAudioError,
    NotEnoughSpeechError,
    SimilarSpeakerError,
    VoicesDifferError,
    WrongModelError,
)
from daemon.events import Evidence
from daemon.speakers import Speaker, mean_direction
from models.encoder import Embedding
from models.features import SAMPLE_RATE


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
    """Raise `VoicesDifferError` if a recording changes its voice, or does not sound like the others."""
    for number, recording in enumerate(recordings, start=1):
        agreement = lowest_split_agreement(recording.pieces)
        if agreement < config.min_agreement:
            raise _voices_differ(f"recording {number} sounds like more than one person", number, agreement)
    embeddings = [recording.embedding for recording in recordings if recording.embedding is not None]
    agreements = agreements_with_others(embeddings)
    if agreements and min(agreements) < config.min_agreement:
        worst = int(np.argmin(agreements))
        raise _voices_differ(f"recording {worst + 1} does not sound like the others", worst + 1, agreements[worst])


def check_same_speaker(embedding: Embedding, model_id: str, known: Speaker, config: EnrollmentConfig) -> None:
    """Raise `WrongModelError` or `VoicesDifferError` unless the voice is that of `known`."""
    if known.model_id != model_id:
        raise WrongModelError(
            f"{known.name!r} is enrolled with model {known.model_id}, the daemon runs {model_id}: enroll anew, replacing what is enrolled",
            speaker=known.name,
        )
    agreement = float(embedding @ known.voiceprint)
    if agreement < config.min_agreement:
        raise VoicesDifferError(
            f"the recordings do not sound like {known.name!r} as enrolled (similarity {agreement:.2f}): "
            "enroll under another name, or replace what is enrolled",
            speaker=known.name,
            agreement=f"{agreement:.3f}",
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


def agreements_with_others(embeddings: Sequence[Embedding]) -> list[float]:
    """Return the cosine of each embedding with the mean of the others; empty if there are no others."""
    if len(embeddings) < 2:  # noqa: PLR2004
        return []
    return [float(one @ mean_direction([*embeddings[:i], *embeddings[i + 1 :]])) for i, one in enumerate(embeddings)]


def lowest_split_agreement(pieces: Sequence[Embedding]) -> float:
    """Return the lowest cosine between the means of what comes before and after a piece's end; 1 for fewer than two pieces."""
    splits = range(1, len(pieces))
    return min((float(mean_direction(list(pieces[:i])) @ mean_direction(list(pieces[i:]))) for i in splits), default=1.0)


def _voices_differ(what: str, number: int, agreement: float) -> VoicesDifferError:
    return VoicesDifferError(
        f"{what} (agreement {agreement:.2f}): record one person alone, in a quiet place",
        recording=str(number),
        agreement=f"{agreement:.3f}",
    )
