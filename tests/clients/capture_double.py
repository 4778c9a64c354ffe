"""A stand-in for a daemon with captures: it keeps what it is asked, and tells its subscribers what a test wants."""

# ruff: noqa: N802 - methods are named as in the API

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Self

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2  # type: ignore[import-untyped]

from proto.speakerd.v1 import (
    capture_event_pb2,
    captures_pb2,
    captures_pb2_grpc,
    decision_pb2,
    enrollment_pb2,
    feed_pb2,
    feed_pb2_grpc,
    speakers_pb2,
    subscription_pb2,
    subscription_pb2_grpc,
)
from proto.speakerd.v1.capture_event_pb2 import CaptureEvent
from tests.clients.double import abort, decision, failure, seconds

LISTENING = captures_pb2.CAPTURE_STATE_LISTENING
ACCEPT, REJECT = decision_pb2.OUTCOME_ACCEPT, decision_pb2.OUTCOME_REJECT


def capture(name: str = "door", state: captures_pb2.CaptureState.ValueType = LISTENING, problem: str = "") -> captures_pb2.Capture:
    counters = captures_pb2.CaptureCounters(overruns=1, stalls=2, reopened=3, clipped_samples=4)
    return captures_pb2.Capture(name=name, device="USB", state=state, problem=problem, captured=seconds(61.5), counters=counters)


def timestamp(time: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message


@dataclass
class CaptureDouble(
    captures_pb2_grpc.CapturesServiceServicer, subscription_pb2_grpc.SubscriptionServiceServicer, feed_pb2_grpc.FeedServiceServicer
):
    """history: the events that a subscriber can go on after. end: how a subscription that is cut ends, None in order."""

    run_id: str = "run-1"
    captures: dict[str, captures_pb2.Capture] = field(default_factory=lambda: {"door": capture()})
    history: list[CaptureEvent] = field(default_factory=list)
    sequence: int = 1
    failure: status_pb2.Status | None = None
    requests: list[subscription_pb2.SubscribeRequest] = field(default_factory=list)
    enrollments: list[captures_pb2.EnrollFromCaptureRequest] = field(default_factory=list)
    feed_config: feed_pb2.FeedConfig = field(default_factory=feed_pb2.FeedConfig)
    audio: bytearray = field(default_factory=bytearray)
    subscribed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released by each subscription that stands."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when a subscription or an enrollment is over."""
    _queues: list[SimpleQueue[CaptureEvent | status_pb2.Status | None]] = field(default_factory=list)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, event: CaptureEvent, *, kept: bool = True) -> None:
        """Tell all subscribers; keep it for those who reconnect."""
        with self._mutex:
            self._number(event, kept=kept)
            for queue in self._queues:
                queue.put(event)

    def miss(self, event: CaptureEvent) -> None:
        """Let something happen that is on its way to nobody."""
        with self._mutex:
            self._number(event, kept=True)

    def decide(
        self,
        outcome: decision_pb2.Outcome.ValueType = ACCEPT,
        speaker: str = "ada",
        *,
        final: bool = True,
        age: float = 0.0,
        lifetime: float = 60.0,
        name: str = "door",
    ) -> None:
        """Decide an attempt `age` seconds ago, to expire `lifetime` seconds later."""
        time = datetime.now(UTC) - timedelta(seconds=age)
        decided = capture_event_pb2.AttemptDecided(
            attempt=1,
            decision=decision(outcome, 0.75, final=final, speaker=speaker).decision,
            expires=timestamp(time + timedelta(seconds=lifetime)) if outcome == ACCEPT and final else None,
        )
        self.publish(CaptureEvent(capture=name, time=timestamp(time), audio_processed=seconds(2.5), attempt_decided=decided), kept=final)

    def change(
        self,
        change: capture_event_pb2.CaptureChange.ValueType,
        state: captures_pb2.CaptureState.ValueType = LISTENING,
        problem: str = "",
        name: str = "door",
    ) -> None:
        """Let something happen to a capture."""
        self.captures[name] = capture(name, state, problem)
        changed = capture_event_pb2.CaptureChanged(change=change, capture=self.captures[name])
        self.publish(CaptureEvent(capture=name, time=timestamp(datetime.now(UTC)), audio_processed=seconds(2.5), capture_changed=changed))

    def cut(self, status: status_pb2.Status | None = None) -> None:
        """End all subscriptions, in order or with an error."""
        with self._mutex:
            for queue in self._queues:
                queue.put(status)

    def restart(self) -> None:
        """Forget what happened, as a daemon that is started again does."""
        with self._mutex:
            self.run_id += "'"
            self.history.clear()
            self.sequence = 1

    def Subscribe(
        self, request: subscription_pb2.SubscribeRequest, context: grpc.ServicerContext
    ) -> Iterator[subscription_pb2.SubscribeResponse]:
        queue: SimpleQueue[CaptureEvent | status_pb2.Status | None] = SimpleQueue()
        context.add_callback(lambda: queue.put(None))
        context.add_callback(self.ended.set)
        with self._mutex:
            self.requests.append(request)
            self._refuse(request, context)
            first = self._first()
            for event in self.history if request.after_sequence else []:
                if event.sequence > request.after_sequence:
                    queue.put(event)
            self._queues.append(queue)
        yield subscription_pb2.SubscribeResponse(event=first)
        self.subscribed.release()
        yield from self._told(queue, context)

    def Feed(self, request_iterator: Iterator[feed_pb2.FeedRequest], context: grpc.ServicerContext) -> Iterator[feed_pb2.FeedResponse]:
        self._fail(context)
        self.feed_config = next(request_iterator).config
        for request in request_iterator:
            self.audio += request.audio
        for event in self.history:
            yield feed_pb2.FeedResponse(event=event)

    def ListCaptures(self, _request: captures_pb2.ListCapturesRequest, context: grpc.ServicerContext) -> captures_pb2.ListCapturesResponse:
        self._fail(context)
        return captures_pb2.ListCapturesResponse(captures=[self.captures[name] for name in sorted(self.captures)])

    def StartCapture(self, request: captures_pb2.StartCaptureRequest, context: grpc.ServicerContext) -> captures_pb2.StartCaptureResponse:
        return captures_pb2.StartCaptureResponse(capture=self._set(request.name, LISTENING, context))

    def StopCapture(self, request: captures_pb2.StopCaptureRequest, context: grpc.ServicerContext) -> captures_pb2.StopCaptureResponse:
        return captures_pb2.StopCaptureResponse(capture=self._set(request.name, captures_pb2.CAPTURE_STATE_STOPPED, context))

    def ListDevices(self, _request: captures_pb2.ListDevicesRequest, context: grpc.ServicerContext) -> captures_pb2.ListDevicesResponse:
        self._fail(context)
        device = captures_pb2.Device(index=3, name="USB microphone", channels=2, sample_rate_hertz=48_000, is_default=True)
        other = captures_pb2.Device(index=4, name="Webcam", channels=1, sample_rate_hertz=16_000)
        return captures_pb2.ListDevicesResponse(devices=[device, other])

    def EnrollFromCapture(
        self, request: captures_pb2.EnrollFromCaptureRequest, context: grpc.ServicerContext
    ) -> Iterator[captures_pb2.EnrollFromCaptureResponse]:
        context.add_callback(self.ended.set)
        self.enrollments.append(request)
        self._find(request.capture, context)
        self._fail(context)
        evidence = decision_pb2.Evidence(speech=seconds(1))
        progress = enrollment_pb2.EnrollProgress(recording=1, evidence=evidence, speech=seconds(1), speech_needed=seconds(2))
        yield captures_pb2.EnrollFromCaptureResponse(progress=progress)
        speaker = speakers_pb2.Speaker(name=request.speaker, model_id="edge-1", recordings=1, speech=seconds(3))
        quality = enrollment_pb2.RecordingQuality(evidence=evidence, verdict=enrollment_pb2.RECORDING_VERDICT_GOOD)
        yield captures_pb2.EnrollFromCaptureResponse(result=enrollment_pb2.EnrollResult(speaker=speaker, recordings=[quality]))

    def _number(self, event: CaptureEvent, *, kept: bool) -> None:
        event.run_id = self.run_id
        if kept:
            self.sequence += 1
            event.sequence = self.sequence
            self.history.append(event)

    def _first(self) -> CaptureEvent:
        subscribed = capture_event_pb2.Subscribed(captures=self.captures.values(), sequence=self.sequence)
        return CaptureEvent(run_id=self.run_id, time=timestamp(datetime.now(UTC)), subscribed=subscribed)

    def _told(
        self, queue: SimpleQueue[CaptureEvent | status_pb2.Status | None], context: grpc.ServicerContext
    ) -> Iterator[subscription_pb2.SubscribeResponse]:
        while isinstance(event := queue.get(), CaptureEvent):
            yield subscription_pb2.SubscribeResponse(event=event)
        with self._mutex:
            self._queues.remove(queue)
        if event is not None:
            abort(context, event)

    def _refuse(self, request: subscription_pb2.SubscribeRequest, context: grpc.ServicerContext) -> None:
        self._fail(context)
        oldest = self.history[0].sequence if self.history else self.sequence + 1
        forgotten = not oldest - 1 <= request.after_sequence <= self.sequence
        if request.after_sequence and (forgotten or request.run_id != self.run_id):
            abort(context, failure(grpc.StatusCode.OUT_OF_RANGE, "HISTORY_GONE", "subscribe anew"))

    def _set(self, name: str, state: captures_pb2.CaptureState.ValueType, context: grpc.ServicerContext) -> captures_pb2.Capture:
        self._find(name, context).state = state
        return self.captures[name]

    def _find(self, name: str, context: grpc.ServicerContext) -> captures_pb2.Capture:
        if name not in self.captures:
            abort(context, failure(grpc.StatusCode.NOT_FOUND, "CAPTURE_NOT_FOUND", f"there is no capture {name!r}", capture=name))
        return self.captures[name]

    def _fail(self, context: grpc.ServicerContext) -> None:
        if self.failure is not None:
            abort(context, self.failure)


class CaptureServer:
    """Serves a stand-in at a gRPC address, and stops and starts again as a test wants."""

    def __init__(self, double: CaptureDouble, address: str) -> None:
        self._double, self._address = double, address

    def start(self) -> Self:
        """Begin to serve."""
        self._server = grpc.server(ThreadPoolExecutor(8))
        captures_pb2_grpc.add_CapturesServiceServicer_to_server(self._double, self._server)
        subscription_pb2_grpc.add_SubscriptionServiceServicer_to_server(self._double, self._server)
        feed_pb2_grpc.add_FeedServiceServicer_to_server(self._double, self._server)
        self._server.add_insecure_port(self._address)
        self._server.start()
        return self

    def stop(self) -> None:
        """Cut all calls."""
        self._server.stop(None).wait()


@contextmanager
def serving_captures(double: CaptureDouble, address: str) -> Iterator[CaptureServer]:
    """Serve at a gRPC address."""
    server = CaptureServer(double, address).start()
    try:
        yield server
    finally:
        server.stop()
