from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from daemon.checks import (
    Recording,
    check_clipping,
    check_not_enrolled,
    check_one_voice,
    check_same_speaker,
    check_speech,
    split_voices,
)
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
from daemon.speakers import Speaker, Template, unit
from models.encoder import Embedding
from tests.fakes import ENROLLED

CONFIG = EnrollmentConfig(min_speech_seconds=3.0, min_recording_seconds=0.5, max_clipped=0.05, min_agreement=0.2, similar_score=0.6)


def person(index: int, take: int = 0) -> Embedding:
    """Return an embedding: near 0.8 to other takes of the same person, near 0 to other people."""
    random = np.random.default_rng((index, take))
    return unit(np.eye(192)[index] + random.normal(0.0, 0.5 / np.sqrt(192), 192)).astype(np.float32)


def recording(
    seconds: float = 4.0, embedding: Embedding | None = None, *, clipped: float = 0.0, pieces: Sequence[Embedding] = ()
) -> Recording:
    evidence = Evidence(speech=round(seconds * 16_000), clipped=clipped)
    return Recording(100_000, evidence, person(0) if embedding is None else embedding, tuple(pieces))


def speaker(name: str, embedding: Embedding, model_id: str = "edge-1") -> Speaker:
    return Speaker(name, (Template(embedding, model_id, Evidence()),), ENROLLED, ENROLLED)


def test_enough_speech_passes() -> None:
    check_speech([recording(1.0), recording(2.0)], CONFIG)


def test_recording_without_audio_is_named() -> None:
    with pytest.raises(EmptyAudioError, match="recording 2 has no audio") as caught:
        check_speech([recording(), Recording(0, Evidence(), None, ())], CONFIG)
    assert caught.value.metadata == {"recording": "2"}


def test_recording_with_too_little_speech_is_named() -> None:
    with pytest.raises(NotEnoughSpeechError, match=r"recording 2 has 0\.4 s of speech, 0\.5 s are needed") as caught:
        check_speech([recording(), recording(0.4)], CONFIG)
    assert caught.value.metadata == {"recording": "2", "speech_seconds": "0.40", "needed_seconds": "0.50"}


def test_speech_too_short_for_an_embedding_is_too_little() -> None:
    brief = CONFIG.model_copy(update={"min_recording_seconds": 0.01})
    with pytest.raises(NotEnoughSpeechError, match="recording 1"):
        check_speech([Recording(100_000, Evidence(speech=1_600), None, ())], brief)


def test_too_little_speech_in_all_tells_how_much_more_is_needed() -> None:
    with pytest.raises(NotEnoughSpeechError, match=r"speak 1\.2 s more"):
        check_speech([recording(1.0), recording(0.8)], CONFIG)


def test_overdriven_recording_is_named() -> None:
    check_clipping([recording(clipped=0.05)], CONFIG)
    with pytest.raises(ClippedAudioError, match=r"recording 2 is overdriven \(12%") as caught:
        check_clipping([recording(), recording(clipped=0.12)], CONFIG)
    assert caught.value.metadata["recording"] == "2"


def test_recordings_of_one_person_agree() -> None:
    check_one_voice([recording(embedding=person(0, take)) for take in range(4)], CONFIG)


def test_single_recording_agrees_with_itself() -> None:
    check_one_voice([recording()], CONFIG)


@pytest.mark.parametrize("odd", range(3))
def test_recording_of_someone_else_is_named(odd: int) -> None:
    recordings = [recording(embedding=person(int(number == odd), number)) for number in range(3)]
    with pytest.raises(VoicesDifferError, match=f"recording {odd + 1} does not sound like recordings") as caught:
        check_one_voice(recordings, CONFIG)
    assert caught.value.metadata["recording"] == str(odd + 1)


def test_recordings_of_someone_else_are_named() -> None:
    recordings = [recording(embedding=person(int(number > 2), number)) for number in range(5)]
    with pytest.raises(VoicesDifferError, match="recordings 4 and 5 do not sound like recordings 1, 2 and 3") as caught:
        check_one_voice(recordings, CONFIG)
    assert caught.value.metadata["recording"] == "4,5"


def test_recording_that_changes_its_voice_is_named() -> None:
    changing = recording(pieces=[person(0, 0), person(0, 1), person(1, 2)])
    steady = recording(pieces=[person(0, take) for take in range(5)])
    check_one_voice([steady], CONFIG)
    with pytest.raises(VoicesDifferError, match="recording 2 sounds like more than one person"):
        check_one_voice([steady, changing], CONFIG)


def test_voice_must_be_that_of_the_speaker_who_is_added_to() -> None:
    check_same_speaker(person(0), "edge-1", speaker("anna", person(0, 1)), 0.4)
    with pytest.raises(VoicesDifferError, match="does not sound like 'anna'"):
        check_same_speaker(person(1), "edge-1", speaker("anna", person(0, 1)), 0.4)


def test_templates_of_another_model_cannot_be_added_to() -> None:
    with pytest.raises(WrongModelError, match=r"model edge-0, the daemon runs edge-1"):
        check_same_speaker(person(0), "edge-1", speaker("anna", person(0), "edge-0"), 0.4)


def test_speaker_whom_the_voice_resembles_most_is_named() -> None:
    others = [
        speaker("anna", unit(person(0) + 0.5 * person(1)).astype(np.float32)),
        speaker("ben", person(1)),
        speaker("ann", person(0, 1)),
    ]
    with pytest.raises(SimilarSpeakerError, match="'anna'") as caught:
        check_not_enrolled(person(0), "edge-1", others, CONFIG)
    assert caught.value.metadata["speaker"] == "anna"


def test_voice_unlike_all_others_may_be_enrolled() -> None:
    check_not_enrolled(person(2), "edge-1", [speaker("anna", person(0)), speaker("ben", person(1))], CONFIG)
    check_not_enrolled(person(2), "edge-1", [], CONFIG)


def test_speakers_of_another_model_cannot_be_compared() -> None:
    check_not_enrolled(person(0), "edge-1", [speaker("anna", person(0), "edge-0")], CONFIG)


@pytest.mark.parametrize("turns", ["ab", "aab", "aabb", "abab", "abba", "aaabaaaa", "abababab", "bbbbbabb"])
def test_voices_are_told_apart_however_they_take_turns(turns: str) -> None:
    voices = split_voices([person("ab".index(turn), take) for take, turn in enumerate(turns)])
    rarer = min("ab", key=turns.count)
    assert voices.agreement < 0.15
    if turns.count("a") != turns.count("b"):
        assert voices.odd == tuple(index for index, turn in enumerate(turns) if turn == rarer)
    assert len(voices.odd) == turns.count(rarer)


@pytest.mark.parametrize("count", [2, 3, 10, 50])
def test_one_voice_agrees_with_itself(count: int) -> None:
    assert split_voices([person(0, take) for take in range(count)]).agreement > 0.6


def test_equal_embeddings_agree() -> None:
    assert split_voices([person(0)] * 4).agreement == pytest.approx(1.0)


def test_fewer_than_two_embeddings_agree() -> None:
    assert split_voices([person(0)]) == split_voices([]) == (1.0, ())
