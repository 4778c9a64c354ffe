from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config import Config, EnrollmentConfig, LimitsConfig
from daemon.enrollment.quality import Verdict
from daemon.enrollment.recording import LEAST_STEPS, PIECE_STEPS
from daemon.enrollment.session import Enrollment, EnrollmentSession
from daemon.errors import (
    ClippedAudioError,
    EmptyAudioError,
    NotEnoughSpeechError,
    SimilarSpeakerError,
    TooManyRecordingsError,
    VoicesDifferError,
)
from daemon.events import EnrollmentProgress, Event
from daemon.session import run
from daemon.speakers import Template
from models.features import Waveform
from tests import audio
from tests.fakes import PLAIN_VAD, FakeEncoder, enroll, fake_calibration

ENCODER = FakeEncoder()
CONFIG = Config(
    vad=PLAIN_VAD,
    enrollment=EnrollmentConfig(min_speech_seconds=3.0, min_recording_seconds=0.5, max_clipped=0.05, max_mutual_false_accept=0.3),
)
RECORDINGS = (audio.voice(0, 1.5, take=1), audio.join(audio.silence(0.4), audio.voice(0, 2.0, take=2), audio.silence(0.6)))


def session() -> EnrollmentSession:
    return EnrollmentSession(ENCODER.initial_state(), ENCODER.model_id, CONFIG, fake_calibration())


def hear(*recordings: Waveform) -> tuple[EnrollmentSession, list[EnrollmentProgress]]:
    enrollment = session()
    events: list[Event] = []
    for number, recording in enumerate(recordings):
        if number:
            enrollment.next_recording()
        enrollment.feed(recording)
        events += run(enrollment, ENCODER)
    enrollment.finish()
    events += run(enrollment, ENCODER)
    return enrollment, [event for event in events if isinstance(event, EnrollmentProgress)]


def checked(*recordings: Waveform) -> Enrollment:
    return hear(*recordings)[0].checked((), name="anna", allow_similar=False)


def templates(*recordings: Waveform) -> tuple[Template, ...]:
    return checked(*recordings).templates


def test_one_template_per_recording() -> None:
    first, second = templates(*RECORDINGS)
    assert first.model_id == second.model_id == ENCODER.model_id
    assert first.evidence.speech == pytest.approx(24_000, abs=1_600)
    assert second.evidence.speech == pytest.approx(32_000, abs=3_200)
    np.testing.assert_allclose([np.linalg.norm(first.embedding), np.linalg.norm(second.embedding)], 1.0, rtol=1e-6)


def test_template_depends_on_its_recording_alone() -> None:
    (alone,) = templates(audio.voice(0, 4.0))
    beside = templates(audio.voice(0, 2.0, take=1), audio.voice(0, 4.0))[1]
    np.testing.assert_array_equal(alone.embedding, beside.embedding)
    assert alone.evidence == beside.evidence


def test_progress_counts_over_all_recordings() -> None:
    enrollment, progress = hear(*RECORDINGS)
    assert enrollment.done
    assert sorted({event.recording for event in progress}) == [1, 2]
    assert [event.at for event in progress] == sorted(event.at for event in progress)
    assert progress[0].needed == 48_000 - progress[0].speech
    assert progress[-1].needed == 0
    first, _ = enrollment.result((), name="anna", allow_similar=False)
    assert progress[-1].speech == first.evidence.speech + progress[-1].evidence.speech
    assert len(RECORDINGS[0]) < progress[-1].at <= sum(map(len, RECORDINGS))


def test_not_done_before_it_is_finished() -> None:
    enrollment = session()
    enrollment.feed(RECORDINGS[0])
    assert list(run(enrollment, ENCODER))
    assert not enrollment.done


def test_more_recordings_than_allowed_are_refused() -> None:
    enrollment = EnrollmentSession(
        ENCODER.initial_state(), ENCODER.model_id, CONFIG.model_copy(update={"limits": LimitsConfig(recordings=2)}), fake_calibration()
    )
    enrollment.next_recording()
    with pytest.raises(TooManyRecordingsError, match=r"limits\.recordings"):
        enrollment.next_recording()


def test_stream_without_audio_is_refused() -> None:
    with pytest.raises(EmptyAudioError, match="recording 1"):
        templates(audio.silence(0.0))
    with pytest.raises(EmptyAudioError, match="recording 2"):
        templates(audio.voice(0, 4.0), audio.silence(0.0))


def test_silence_is_refused() -> None:
    with pytest.raises(NotEnoughSpeechError, match=r"recording 1 has 0\.0 s of speech"):
        templates(audio.silence(5.0))


def test_too_little_speech_is_refused() -> None:
    with pytest.raises(NotEnoughSpeechError, match="more"):
        templates(audio.voice(0, 1.0), audio.voice(0, 1.0, take=1))


def test_overdriven_recording_is_refused() -> None:
    with pytest.raises(ClippedAudioError, match="recording 1"):
        templates(np.clip(audio.voice(0, 4.0, level=0.0), -1.0, 1.0))


def test_recordings_of_two_people_are_refused() -> None:
    with pytest.raises(VoicesDifferError, match="recording 3 sounds like another person than recordings 1 and 2"):
        templates(audio.voice(0, 2.0), audio.voice(0, 2.0, take=1), audio.voice(1, 2.0))


def test_recording_of_two_people_is_refused() -> None:
    with pytest.raises(VoicesDifferError, match="recording 1 sounds like two people"):
        templates(audio.join(audio.voice(0, 4.0), audio.voice(1, 4.0)))


def test_a_short_rest_of_a_recording_is_no_piece_of_its_own() -> None:
    seconds = (PIECE_STEPS + LEAST_STEPS / 2) * 0.08
    assert LEAST_STEPS < PIECE_STEPS
    (quality,) = checked(audio.voice(0, seconds)).recordings
    assert quality.agreement_llr is None


def test_every_recording_has_its_quality() -> None:
    long, brief = checked(audio.voice(0, 4.0), audio.voice(0, 0.9, take=1)).recordings
    assert [long.verdict, brief.verdict] == [Verdict.GOOD, Verdict.SHORT]
    assert long.agreement_score == pytest.approx(brief.agreement_score)
    assert long.evidence.speech > brief.evidence.speech


def test_what_to_do_about_a_noisy_recording_is_told() -> None:
    (quality,) = checked(audio.voice(0, 4.0) + audio.noise(4.0, level=-25.0)).recordings
    assert quality.verdict is Verdict.NOISY
    assert "speak nearer to the microphone" in quality.advice


def test_a_single_recording_agrees_with_itself() -> None:
    (quality,) = checked(audio.voice(0, 10.0)).recordings
    assert quality.agreement_llr is not None
    assert quality.agreement_llr > 0.0


def test_long_recording_of_one_person_passes() -> None:
    assert PIECE_STEPS * 0.08 < 4.0
    assert len(templates(audio.voice(0, 10.0))) == 1


def test_voice_enrolled_under_another_name_is_refused_unless_allowed() -> None:
    double = enroll("ben", audio.voice(0, 4.0, take=5), encoder=ENCODER)
    enrollment, _ = hear(audio.voice(0, 4.0))
    with pytest.raises(SimilarSpeakerError, match="'ben'"):
        enrollment.result([double], name="anna", allow_similar=False)
    assert enrollment.result([double], name="anna", allow_similar=True)
    assert enrollment.result([double], name="ben", allow_similar=False)


def test_close_voices_are_told_even_if_they_are_allowed() -> None:
    double = enroll("ben", audio.voice(0, 4.0, take=5), encoder=ENCODER)
    other = enroll("carl", audio.voice(1, 4.0), encoder=ENCODER)
    enrollment, _ = hear(audio.voice(0, 4.0))
    [close] = enrollment.checked([double, other], name="anna", allow_similar=True).similar
    assert close.speaker == "ben"
    assert close.rate > CONFIG.enrollment.max_mutual_false_accept
    assert enrollment.checked([double, other], name="ben", allow_similar=True).similar == ()


def test_recordings_added_to_a_speaker_must_sound_like_them() -> None:
    anna = enroll("anna", audio.voice(0, 4.0, take=5), encoder=ENCODER)
    same, _ = hear(audio.voice(0, 4.0))
    other, _ = hear(audio.voice(1, 4.0))
    assert same.result([anna], name="anna", allow_similar=False, known=anna)
    with pytest.raises(VoicesDifferError, match="does not sound like 'anna'"):
        other.result([anna], name="anna", allow_similar=False, known=anna)


def streamed(enrollment: EnrollmentSession, cuts: list[list[int]], *, eagerly: bool) -> Iterator[Event]:
    """Feed the recordings in pieces; poll after each, or only at the very end."""
    for number, (recording, positions) in enumerate(zip(RECORDINGS, cuts, strict=True)):
        if number:
            enrollment.next_recording()
        for part in np.split(recording, sorted(positions)):
            enrollment.feed(part)
            if eagerly:
                yield from run(enrollment, ENCODER)
    enrollment.finish()
    yield from run(enrollment, ENCODER)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.tuples(*(st.lists(st.integers(0, len(recording)), max_size=30) for recording in RECORDINGS)), st.booleans())
def test_any_split_of_the_audio_gives_the_same_progress_and_templates(cuts: tuple[list[int], ...], eagerly: bool) -> None:  # noqa: FBT001
    enrollment, progress = hear(*RECORDINGS)
    split = session()
    assert list(streamed(split, list(cuts), eagerly=eagerly)) == progress
    for ours, theirs in zip(
        split.result((), name="anna", allow_similar=False), enrollment.result((), name="anna", allow_similar=False), strict=True
    ):
        assert ours.evidence == theirs.evidence
        np.testing.assert_array_equal(ours.embedding, theirs.embedding)
