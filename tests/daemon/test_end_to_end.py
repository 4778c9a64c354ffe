"""The shipped model in a real daemon: it says what the same model says offline, and tells the shipped voices apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daemon.config import Config
from daemon.enrollment.session import EnrollmentSession
from daemon.events import Decision
from daemon.session import VerificationSession, run
from daemon.speakers import Speaker, Template
from models.audio import read_audio
from models.backends import load_encoder
from models.calibration.calibration import calibration_path, read_calibration
from models.features import SAMPLE_RATE, Waveform
from models.weights import read_card
from proto.speakerd.v1 import audio_pb2, decision_pb2
from proto.speakerd.v1.enrollment_pb2_grpc import EnrollmentServiceStub
from proto.speakerd.v1.verification_pb2_grpc import VerificationServiceStub
from tests.daemon.process import DaemonProcess, daemon_process
from tests.daemon.server.harness import enroll_audio, enroll_config, next_recording, short_directory, verify_audio, verify_config
from tests.fakes import ENROLLED

VOICES = Path(__file__).parents[2] / "clients" / "voices"
FLOAT = audio_pb2.AudioConfig(encoding=audio_pb2.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=SAMPLE_RATE)
CONFIG = Config()
ENCODER = load_encoder(CONFIG.model.name, CONFIG.model.backend)
CALIBRATION = read_calibration(calibration_path(read_card(CONFIG.model.name)), ENCODER.model_id)


@pytest.fixture(scope="module")
def process() -> Iterator[DaemonProcess]:
    with short_directory() as directory, daemon_process(directory, module="daemon") as started:
        assert started.ready()["model"] == ENCODER.model_id
        for speaker in ("1-slt", "2-rms"):
            enroll(started, speaker)
        yield started


def recording(speaker: str, number: int) -> Waveform:
    return read_audio(VOICES / speaker / f"{number}.opus")


def enroll(process: DaemonProcess, speaker: str) -> None:
    requests = [enroll_config(speaker, audio_config=FLOAT), *enroll_audio(recording(speaker, 1).tobytes())]
    for number in (2, 3):
        requests += [next_recording(), *enroll_audio(recording(speaker, number).tobytes())]
    with process.channel() as channel:
        *_, last = EnrollmentServiceStub(channel).Enroll(iter(requests))
    assert last.result.speaker.recordings == 3


def verify(process: DaemonProcess, samples: Waveform, *, wait_for_end: bool) -> decision_pb2.Decision:
    requests = [verify_config(audio_config=FLOAT, wait_for_end=wait_for_end), *verify_audio(samples.tobytes())]
    with process.channel() as channel:
        *_, last = VerificationServiceStub(channel).Verify(iter(requests))
    return last.decision


def enroll_offline(speaker: str) -> Speaker:
    session = EnrollmentSession(ENCODER.initial_state(), ENCODER.model_id, CONFIG, CALIBRATION)
    for number in (1, 2, 3):
        if number > 1:
            session.next_recording()
        session.feed(recording(speaker, number))
    session.finish()
    assert all(run(session, ENCODER))
    templates: tuple[Template, ...] = session.result((), name=speaker, allow_similar=False)
    return Speaker(speaker, templates, ENROLLED, ENROLLED)


def verify_offline(samples: Waveform) -> Decision:
    speakers = [enroll_offline("1-slt"), enroll_offline("2-rms")]
    session = VerificationSession(ENCODER.initial_state(), speakers, CONFIG, CALIBRATION, interim=False, wait_for_end=True)
    session.feed(samples)
    session.finish()
    *_, last = run(session, ENCODER)
    assert isinstance(last, Decision)
    return last


def outcome(decision: Decision) -> int:
    return decision_pb2.Outcome.Value(f"OUTCOME_{decision.outcome.name}")


def reason(decision: Decision) -> int:
    return decision_pb2.Reason.Value(f"REASON_{decision.reason.name}")


@pytest.mark.parametrize(("speaker", "number"), [("1-slt", 4), ("2-rms", 4), ("3-awb", 1)])
def test_the_daemon_scores_as_the_model_does_offline(process: DaemonProcess, speaker: str, number: int) -> None:
    samples = recording(speaker, number)
    streamed, offline = verify(process, samples, wait_for_end=True), verify_offline(samples)
    assert [candidate.speaker for candidate in streamed.candidates] == [candidate.speaker for candidate in offline.candidates]
    np.testing.assert_allclose(
        [(candidate.score, candidate.llr) for candidate in streamed.candidates],
        [(candidate.score, candidate.llr) for candidate in offline.candidates],
        rtol=1e-4,
        atol=1e-4,
    )
    assert (streamed.outcome, streamed.reason) == (outcome(offline), reason(offline))
    assert streamed.evidence.speech.ToNanoseconds() == offline.evidence.speech * 62_500


@pytest.mark.parametrize("speaker", ["1-slt", "2-rms"])
def test_who_is_enrolled_is_accepted(process: DaemonProcess, speaker: str) -> None:
    decision = verify(process, recording(speaker, 4), wait_for_end=False)
    assert (decision.outcome, decision.speaker, decision.is_final) == (decision_pb2.OUTCOME_ACCEPT, speaker, True)


def test_a_stranger_is_not_accepted(process: DaemonProcess) -> None:
    decision = verify(process, recording("3-awb", 1), wait_for_end=False)
    assert decision.outcome in {decision_pb2.OUTCOME_REJECT, decision_pb2.OUTCOME_UNDECIDED}
