from __future__ import annotations

from collections.abc import Sequence

import pytest

from daemon.config import EnrollmentConfig
from daemon.enrollment.agreement import Heard
from daemon.enrollment.checks import (
    check_clipping,
    check_not_enrolled,
    check_one_voice,
    check_same_speaker,
    check_speech,
)
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
from daemon.events import Evidence
from models.encoder import Embedding
from tests.calibrated import plain_calibration
from tests.daemon.people import evidence, heard, person, speaker

CONFIG = EnrollmentConfig(min_speech_seconds=3.0, min_recording_seconds=0.5, max_clipped=0.05, max_mutual_false_accept=0.3)
CALIBRATION = plain_calibration()


def recording(seconds: float = 4.0, embedding: Embedding | None = None, *, clipped: float = 0.0, pieces: Sequence[Heard] = ()) -> Recording:
    return Recording(100_000, evidence(seconds, clipped=clipped), person(0) if embedding is None else embedding, tuple(pieces))


def test_enough_speech_passes() -> None:
    check_speech([recording(1.0), recording(2.0)], CONFIG)


def test_recording_without_audio_is_named() -> None:
    with pytest.raises(EmptyAudioError, match="recording 2 has no audio") as caught:
        check_speech([recording(), Recording(0, Evidence(), None)], CONFIG)
    assert caught.value.metadata == {"recording": "2"}


def test_recording_with_too_little_speech_is_named() -> None:
    with pytest.raises(NotEnoughSpeechError, match=r"recording 2 has 0\.4 s of speech, 0\.5 s are needed") as caught:
        check_speech([recording(), recording(0.4)], CONFIG)
    assert caught.value.metadata == {"recording": "2", "speech_seconds": "0.40", "needed_seconds": "0.50"}


def test_speech_too_short_for_an_embedding_is_too_little() -> None:
    brief = CONFIG.model_copy(update={"min_recording_seconds": 0.01})
    with pytest.raises(NotEnoughSpeechError, match="recording 1"):
        check_speech([Recording(100_000, Evidence(speech=1_600), None)], brief)


def test_too_little_speech_in_all_tells_how_much_more_is_needed() -> None:
    with pytest.raises(NotEnoughSpeechError, match=r"speak 1\.2 s more"):
        check_speech([recording(1.0), recording(0.8)], CONFIG)


def test_overdriven_recording_is_named() -> None:
    check_clipping([recording(clipped=0.05)], CONFIG)
    with pytest.raises(ClippedAudioError, match=r"recording 2 is overdriven \(12%") as caught:
        check_clipping([recording(), recording(clipped=0.12)], CONFIG)
    assert caught.value.metadata["recording"] == "2"


def test_recordings_of_one_person_agree() -> None:
    check_one_voice([recording(embedding=person(0, take)) for take in range(4)], CONFIG, CALIBRATION)


def test_single_recording_agrees_with_itself() -> None:
    check_one_voice([recording()], CONFIG, CALIBRATION)


@pytest.mark.parametrize("odd", range(3))
def test_recording_of_someone_else_is_named(odd: int) -> None:
    recordings = [recording(embedding=person(int(number == odd), number)) for number in range(3)]
    expected = f"recording {odd + 1} sounds like another person than recordings .* more than 1000 times as likely as one"
    with pytest.raises(VoicesDifferError, match=expected) as caught:
        check_one_voice(recordings, CONFIG, CALIBRATION)
    assert caught.value.metadata["recording"] == str(odd + 1)
    assert float(caught.value.metadata["agreement_llr"]) < -10.0
    assert float(caught.value.metadata["agreement_score"]) < 0.2


def test_recordings_of_someone_else_are_named() -> None:
    recordings = [recording(embedding=person(int(number > 2), number)) for number in range(5)]
    with pytest.raises(VoicesDifferError, match="recordings 4 and 5 sound like another person than recordings 1, 2 and 3") as caught:
        check_one_voice(recordings, CONFIG, CALIBRATION)
    assert caught.value.metadata["recording"] == "4,5"


def test_recording_that_changes_its_voice_is_named() -> None:
    changing = recording(pieces=[heard(0, 0), heard(0, 1), heard(1, 2)])
    steady = recording(pieces=[heard(0, take) for take in range(5)])
    check_one_voice([steady], CONFIG, CALIBRATION)
    with pytest.raises(VoicesDifferError, match="recording 2 sounds like two people"):
        check_one_voice([steady, changing], CONFIG, CALIBRATION)


def test_odds_tell_from_where_on_there_are_two_people() -> None:
    # With a flat calibration, recordings that are unlike each other are but little likelier of two people.
    doubtful = plain_calibration(slope=4.0)
    recordings = [recording(embedding=person(number)) for number in range(2)]
    with pytest.raises(VoicesDifferError, match=r"two people are \d times as likely as one"):
        check_one_voice(recordings, CONFIG, doubtful)
    check_one_voice(recordings, CONFIG.model_copy(update={"two_people_odds": 20.0}), doubtful)


def test_voice_must_be_that_of_the_speaker_who_is_added_to() -> None:
    anna = speaker("anna", person(0, 1), person(0, 2))
    check_same_speaker([recording()], anna, CONFIG, CALIBRATION)
    with pytest.raises(VoicesDifferError, match="recording 2 does not sound like 'anna' as enrolled") as caught:
        check_same_speaker([recording(), recording(embedding=person(1))], anna, CONFIG, CALIBRATION)
    assert (caught.value.metadata["speaker"], caught.value.metadata["recording"]) == ("anna", "2")


def test_templates_of_another_model_cannot_be_added_to() -> None:
    with pytest.raises(WrongModelError, match=r"model edge-0, the daemon runs fake-1"):
        check_same_speaker([recording()], speaker("anna", person(0), model_id="edge-0"), CONFIG, CALIBRATION)


def test_the_closest_voice_is_named_with_what_is_to_be_feared() -> None:
    with pytest.raises(
        SimilarSpeakerError, match=r"close to that of 'anna', .* some 62% of the attempts of one would be accepted"
    ) as caught:
        check_not_enrolled([SimilarVoice("anna", 0.8, 0.62), SimilarVoice("ben", 0.7, 0.4)], CONFIG)
    assert caught.value.metadata == {"speaker": "anna", "similarity": "0.800", "mutual_false_accept_rate": "0.6200"}


def test_a_voice_that_is_not_too_close_to_others_may_be_enrolled() -> None:
    check_not_enrolled([SimilarVoice("anna", 0.5, 0.3)], CONFIG)
    check_not_enrolled([], CONFIG)
