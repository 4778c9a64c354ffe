"""Whether recordings are fit to be enrolled: pure functions that raise what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import Final

import numpy as np

from daemon.config import EnrollmentConfig
from daemon.enrollment.agreement import Agreement, Heard, compare, split_voices
from daemon.enrollment.recording import Recording
from daemon.enrollment.similar import SimilarVoice
from daemon.errors import (
    ClippedAudioError,
    EmptyAudioError,
    NotEnoughSpeechError,
    SimilarSpeakerError,
    VoicesDifferError,
    WrongModelError,
)
from daemon.speakers import Speaker
from models.calibration.calibration import Calibration

_MOST_ODDS: Final = 1_000
"""Higher ones are not told: so many times as likely is as good as sure."""


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


def check_one_voice(recordings: Sequence[Recording], config: EnrollmentConfig, calibration: Calibration) -> None:
    """Raise `VoicesDifferError` if a recording has two voices, or is not of the same voice as the others."""
    for number, recording in enumerate(recordings, start=1):
        voices = split_voices(recording.pieces, calibration, pieces=True)
        if voices and voices.llr <= _least(config):
            raise _two_people(f"recording {number} sounds like two people", [number], voices)
    voices = split_voices([heard for recording in recordings for heard in recording.heard], calibration)
    if voices and voices.llr <= _least(config):
        odd = [index + 1 for index in voices.odd]
        rest = [number for number in range(1, len(recordings) + 1) if number not in odd]
        verb = "sounds" if len(odd) == 1 else "sound"
        raise _two_people(f"{_list_recordings(odd)} {verb} like another person than {_list_recordings(rest)}", odd, voices)


def check_same_speaker(recordings: Sequence[Recording], known: Speaker, config: EnrollmentConfig, calibration: Calibration) -> None:
    """Raise `WrongModelError`, or `VoicesDifferError` if a recording is not of the voice of `known`, as they were enrolled."""
    if known.model_id != calibration.model_id:
        raise WrongModelError(
            f"{known.name!r} is enrolled with model {known.model_id}, the daemon runs {calibration.model_id}: "
            "enroll anew, replacing what is enrolled",
            speaker=known.name,
        )
    enrolled = [Heard(template.embedding, template.evidence) for template in known.templates]
    for number, recording in enumerate(recordings, start=1):
        heard = [*recording.heard, *enrolled]
        voices = compare(heard, np.arange(len(heard)) == 0, calibration)
        if voices.llr <= _least(config):
            raise VoicesDifferError(
                f"recording {number} does not sound like {known.name!r} as enrolled ({_odds(voices.llr)}): "
                "enroll under another name, or replace what is enrolled",
                speaker=known.name,
                recording=str(number),
                **_facts(voices),
            )


def check_not_enrolled(similar: Sequence[SimilarVoice], config: EnrollmentConfig) -> None:
    """Raise `SimilarSpeakerError` if the first of these, closest first, would be taken for the new voice too often."""
    if similar and similar[0].rate > config.max_mutual_false_accept:
        nearest = similar[0]
        raise SimilarSpeakerError(
            f"the voice is close to that of {nearest.speaker!r}, who is enrolled already: some {nearest.rate:.0%} of the attempts of one "
            f"would be accepted as the other; add the recordings to {nearest.speaker!r} if it is they, or allow similar speakers",
            speaker=nearest.speaker,
            similarity=f"{nearest.score:.3f}",
            mutual_false_accept_rate=f"{nearest.rate:.4f}",
        )


def _least(config: EnrollmentConfig) -> float:
    """Return the log-likelihood ratio up to which what was heard is of two people."""
    return -log(config.two_people_odds)


def _list_recordings(numbers: Sequence[int]) -> str:
    return f"recording {numbers[0]}" if len(numbers) == 1 else f"recordings {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _two_people(what: str, numbers: Sequence[int], voices: Agreement) -> VoicesDifferError:
    return VoicesDifferError(
        f"{what} ({_odds(voices.llr)}): record one person alone, in a quiet place",
        recording=",".join(map(str, numbers)),
        **_facts(voices),
    )


def _odds(llr: float) -> str:
    odds = f"{exp(-llr):.0f}" if -llr < log(_MOST_ODDS) else f"more than {_MOST_ODDS}"
    return f"two people are {odds} times as likely as one"


def _facts(voices: Agreement) -> dict[str, str]:
    return {"agreement_llr": f"{voices.llr:.3f}", "agreement_score": f"{voices.score:.3f}"}
