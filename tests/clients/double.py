"""A stand-in for the daemon that speaks its protocol: it keeps what it is sent, and answers what a test wants."""

# ruff: noqa: N802 - methods are named as in the API

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Never

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from proto.speakerd.v1 import (
    decision_pb2,
    enrollment_pb2,
    enrollment_pb2_grpc,
    speakers_pb2,
    speakers_pb2_grpc,
    verification_pb2,
    verification_pb2_grpc,
)
from proto.speakerd.v1 import status_pb2 as daemon_status_pb2
from proto.speakerd.v1 import status_pb2_grpc as daemon_status_pb2_grpc

PAGE = 2
"""Speakers on a page of the list."""


def seconds(value: float) -> Duration:
    return Duration(seconds=int(value), nanos=round((value - int(value)) * 1e9))


def decision(
    outcome: decision_pb2.Outcome.ValueType, score: float, *, final: bool = True, speaker: str = "ada"
) -> verification_pb2.VerifyResponse:
    """Return a decision with that score, an LLR ten times as high, and boundaries at 5 and -2.5."""
    reasons = {
        decision_pb2.OUTCOME_ACCEPT: decision_pb2.REASON_LLR_ABOVE_BOUNDARY,
        decision_pb2.OUTCOME_REJECT: decision_pb2.REASON_LLR_BELOW_BOUNDARY,
        decision_pb2.OUTCOME_UNDECIDED: decision_pb2.REASON_NO_SPEECH,
        decision_pb2.OUTCOME_AMBIGUOUS: decision_pb2.REASON_SPEAKERS_TOO_CLOSE,
    }
    evidence = decision_pb2.Evidence(speech=seconds(1.25), snr_db=20.0, bandwidth_hertz=7000.0, voice_probability=0.75)
    return verification_pb2.VerifyResponse(
        audio_processed=seconds(2.5),
        decision=decision_pb2.Decision(
            outcome=outcome,
            is_final=final,
            reason=reasons[outcome],
            speaker=speaker,
            score=score,
            llr=10 * score,
            posterior=score,
            margin_accept=10 * score - 5,
            margin_reject=10 * score + 2.5,
            evidence=evidence,
            candidates=[decision_pb2.Candidate(speaker=speaker, score=score, llr=10 * score)],
        ),
    )


def failure(code: grpc.StatusCode, reason: str, message: str, **metadata: str) -> status_pb2.Status:
    detail = Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="speakerd", metadata=metadata))
    return status_pb2.Status(code=code.value[0], message=message, details=[detail])


@dataclass
class Double(
    verification_pb2_grpc.VerificationServiceServicer,
    enrollment_pb2_grpc.EnrollmentServiceServicer,
    speakers_pb2_grpc.SpeakersServiceServicer,
    daemon_status_pb2_grpc.StatusServiceServicer,
):
    """answers: what an attempt is told. decide_after: bytes of audio after which it is, None for all. failure: told instead."""

    answers: list[verification_pb2.VerifyResponse] = field(default_factory=lambda: [decision(decision_pb2.OUTCOME_ACCEPT, 0.75)])
    decide_after: int | None = None
    failure: status_pb2.Status | None = None
    verify_config: verification_pb2.VerifyConfig = field(default_factory=verification_pb2.VerifyConfig)
    enroll_requests: list[enrollment_pb2.EnrollRequest] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)
    enrolled: dict[str, speakers_pb2.Speaker] = field(default_factory=dict)
    began: threading.Event = field(default_factory=threading.Event)
    """Set when an attempt begins."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when an attempt is over, also one that the client gave up."""

    def Verify(
        self, request_iterator: Iterator[verification_pb2.VerifyRequest], context: grpc.ServicerContext
    ) -> Iterator[verification_pb2.VerifyResponse]:
        context.add_callback(self.ended.set)
        self.began.set()
        self._fail(context)
        self.verify_config = next(request_iterator).config
        for request in request_iterator:
            self.audio += request.audio
            if self.decide_after is not None and len(self.audio) >= self.decide_after:
                break
        yield from self.answers

    def Enroll(
        self, request_iterator: Iterator[enrollment_pb2.EnrollRequest], context: grpc.ServicerContext
    ) -> Iterator[enrollment_pb2.EnrollResponse]:
        for request in request_iterator:
            self.enroll_requests.append(request)
            if request.WhichOneof("payload") == "next_recording":
                yield self._progress()
        self._fail(context)
        speaker = self.add(self.enroll_requests[0].config.speaker)
        quality = enrollment_pb2.RecordingQuality(
            evidence=decision_pb2.Evidence(speech=seconds(2)),
            agreement_llr=1.5,
            agreement_score=0.75,
            verdict=enrollment_pb2.RECORDING_VERDICT_NOISY,
            advice="it is noisy: speak nearer to the microphone",
        )
        similar = enrollment_pb2.SimilarVoice(speaker="eve", score=0.625, mutual_false_accept_rate=0.125)
        result = enrollment_pb2.EnrollResult(speaker=speaker, recordings=[quality], similar_voices=[similar])
        yield enrollment_pb2.EnrollResponse(audio_processed=seconds(4), result=result)

    def ListSpeakers(self, request: speakers_pb2.ListSpeakersRequest, context: grpc.ServicerContext) -> speakers_pb2.ListSpeakersResponse:
        self._fail(context)
        names = [name for name in sorted(self.enrolled) if name > request.page_token]
        token = names[PAGE - 1] if len(names) > PAGE else ""
        return speakers_pb2.ListSpeakersResponse(speakers=[self.enrolled[name] for name in names[:PAGE]], next_page_token=token)

    def GetSpeaker(self, request: speakers_pb2.GetSpeakerRequest, context: grpc.ServicerContext) -> speakers_pb2.GetSpeakerResponse:
        return speakers_pb2.GetSpeakerResponse(speaker=self._find(request.name, context))

    def DeleteSpeaker(
        self, request: speakers_pb2.DeleteSpeakerRequest, context: grpc.ServicerContext
    ) -> speakers_pb2.DeleteSpeakerResponse:
        del self.enrolled[self._find(request.name, context).name]
        return speakers_pb2.DeleteSpeakerResponse()

    def ResetSpeaker(self, request: speakers_pb2.ResetSpeakerRequest, context: grpc.ServicerContext) -> speakers_pb2.ResetSpeakerResponse:
        speaker = self._find(request.name, context)
        speaker.adapted_attempts = 0
        return speakers_pb2.ResetSpeakerResponse(speaker=speaker)

    def GetStatus(self, _request: daemon_status_pb2.GetStatusRequest, context: grpc.ServicerContext) -> daemon_status_pb2.GetStatusResponse:
        self._fail(context)
        return daemon_status_pb2.GetStatusResponse(
            version="1.2.3",
            model_id="edge-1",
            backend="onnxruntime",
            uptime=seconds(12.5),
            speakers=len(self.enrolled),
            max_streams=32,
            false_accept_rate=0.01,
            false_reject_rate=0.05,
            prior=0.5,
            accept_llr=5.0,
            reject_llr=-2.5,
        )

    def add(self, name: str) -> speakers_pb2.Speaker:
        """Enroll a speaker."""
        time = Timestamp(seconds=1_700_000_000)
        self.enrolled[name] = speakers_pb2.Speaker(
            name=name, model_id="edge-1", recordings=3, speech=seconds(9.5), create_time=time, update_time=time
        )
        return self.enrolled[name]

    def _progress(self) -> enrollment_pb2.EnrollResponse:
        evidence = decision_pb2.Evidence(speech=seconds(1))
        progress = enrollment_pb2.EnrollProgress(recording=1, evidence=evidence, speech=seconds(1), speech_needed=seconds(2))
        return enrollment_pb2.EnrollResponse(audio_processed=seconds(2), progress=progress)

    def _find(self, name: str, context: grpc.ServicerContext) -> speakers_pb2.Speaker:
        if name not in self.enrolled:
            abort(context, failure(grpc.StatusCode.NOT_FOUND, "SPEAKER_NOT_FOUND", f"nobody is enrolled as {name!r}", speaker=name))
        return self.enrolled[name]

    def _fail(self, context: grpc.ServicerContext) -> None:
        if self.failure is not None:
            abort(context, self.failure)


@contextmanager
def serving(double: Double, address: str, credentials: grpc.ServerCredentials | None = None) -> Iterator[int]:
    """Serve at a gRPC address; yield its port, if it has one."""
    server = grpc.server(ThreadPoolExecutor(4))
    verification_pb2_grpc.add_VerificationServiceServicer_to_server(double, server)
    enrollment_pb2_grpc.add_EnrollmentServiceServicer_to_server(double, server)
    speakers_pb2_grpc.add_SpeakersServiceServicer_to_server(double, server)
    daemon_status_pb2_grpc.add_StatusServiceServicer_to_server(double, server)
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def abort(context: grpc.ServicerContext, status: status_pb2.Status) -> Never:
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(next(code for code in grpc.StatusCode if code.value[0] == status.code), status.message)
