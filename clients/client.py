"""The blocking client.

>>> with Client() as client:
...     for event in client.verify(VerifyConfig(speakers=["ada"]), open_audio(Path("door.wav"))):
...         print(event)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Thread
from types import TracebackType
from typing import Final, Self

import grpc

from clients import capture_messages, capture_protocol, messages, protocol
from clients.address import Address, unix_address
from clients.audio import Audio
from clients.channel import TIMEOUT, channel_credentials, channel_options, client_errors
from clients.stream import Stream, converse, listen
from proto.speakerd.v1 import (
    captures_pb2,
    captures_pb2_grpc,
    enrollment_pb2_grpc,
    feed_pb2_grpc,
    speakers_pb2,
    speakers_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
    subscription_pb2_grpc,
    verification_pb2_grpc,
)

CLOSE_SECONDS: Final = 1.0


class Client:
    """A connection to the daemon, by default at its default socket; threads may share it.

    It connects at the first request. Every method raises `UnreachableError` if no daemon answers, and `DaemonError` or one of
    its subclasses if the daemon does not do what it is asked.
    """

    def __init__(self, address: Address | None = None) -> None:
        self.address = address or unix_address()
        self._channel = _connect(self.address)
        self._verification = verification_pb2_grpc.VerificationServiceStub(self._channel)
        self._enrollment = enrollment_pb2_grpc.EnrollmentServiceStub(self._channel)
        self._speakers = speakers_pb2_grpc.SpeakersServiceStub(self._channel)
        self._status = status_pb2_grpc.StatusServiceStub(self._channel)
        self._captures = captures_pb2_grpc.CapturesServiceStub(self._channel)
        self._subscription = subscription_pb2_grpc.SubscriptionServiceStub(self._channel)
        self._feed = feed_pb2_grpc.FeedServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection and whatever still runs over it."""
        # An interrupt in the middle of a call's start leaves gRPC waiting for it forever.
        closing = Thread(target=self._channel.close, name="close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    def verify(self, config: messages.VerifyConfig, audio: Audio) -> Stream[messages.VerificationEvent]:
        """Stream audio and yield what the daemon hears, as it hears it; the last event is the final `Decision`.

        It comes as soon as the evidence decides: the rest of the audio is not read. Errors of `audio.chunks` come through; closing
        the stream gives the attempt up.
        """
        return converse(self._verification.Verify, protocol.verify_requests(config, audio), protocol.verification_event, self.address)

    def enroll(self, config: messages.EnrollConfig, recordings: Iterable[Audio]) -> Stream[messages.EnrollmentEvent]:
        """Stream recordings of one speaker and yield the progress; the last event is `Enrolled`.

        Raises `EnrollmentRefusedError` if they fail a check, and errors of the audio as they come; nothing is stored then.
        """
        return converse(self._enrollment.Enroll, protocol.enroll_requests(config, recordings), protocol.enrollment_event, self.address)

    def speakers(self) -> Iterator[messages.Speaker]:
        """Yield the enrolled speakers by name."""
        request = speakers_pb2.ListSpeakersRequest()
        while True:
            with client_errors(self.address):
                page = self._speakers.ListSpeakers(request, timeout=TIMEOUT)
            yield from map(protocol.speaker, page.speakers)
            if not page.next_page_token:
                return
            request = speakers_pb2.ListSpeakersRequest(page_token=page.next_page_token)

    def speaker(self, name: str) -> messages.Speaker:
        """Return one enrolled speaker. Raises `SpeakerNotFoundError`."""
        with client_errors(self.address):
            response = self._speakers.GetSpeaker(speakers_pb2.GetSpeakerRequest(name=name), timeout=TIMEOUT)
        return protocol.speaker(response.speaker)

    def delete(self, name: str) -> None:
        """Forget a speaker and everything derived from their voice. Raises `SpeakerNotFoundError`."""
        with client_errors(self.address):
            self._speakers.DeleteSpeaker(speakers_pb2.DeleteSpeakerRequest(name=name), timeout=TIMEOUT)

    def reset(self, name: str) -> messages.Speaker:
        """Forget what a voiceprint learned from attempts; return the speaker as enrolled. Raises `SpeakerNotFoundError`."""
        with client_errors(self.address):
            response = self._speakers.ResetSpeaker(speakers_pb2.ResetSpeakerRequest(name=name), timeout=TIMEOUT)
        return protocol.speaker(response.speaker)

    def status(self) -> messages.Status:
        """Return how the daemon is."""
        with client_errors(self.address):
            return protocol.status(self._status.GetStatus(status_pb2.GetStatusRequest(), timeout=TIMEOUT))

    def subscribe(self, config: capture_messages.SubscribeConfig) -> Stream[capture_messages.CaptureEvent]:
        """Yield what the daemon's captures hear, as they hear it, until the stream is closed; the first event is `Subscribed`.

        Raises `CaptureNotFoundError`; `HistoryGoneError` if it cannot go on after `config.after`; `SubscriberTooSlowError` once events
        that must not be lost are not read in time. `clients.subscription.Subscription` reconnects by itself.
        """
        request = capture_protocol.subscribe_request(config)
        return listen(self._subscription.Subscribe, request, capture_protocol.response_event, self.address)

    def feed(self, config: capture_messages.FeedConfig, audio: Audio) -> Stream[capture_messages.CaptureEvent]:
        """Be the microphone of a capture: stream audio and yield its events, all of them; it ends when the audio does.

        Audio is only read as fast as the events are. Raises `CaptureExistsError`; errors of `audio.chunks` come through.
        """
        return converse(self._feed.Feed, capture_protocol.feed_requests(config, audio), capture_protocol.response_event, self.address)

    def captures(self) -> list[capture_messages.Capture]:
        """Return the daemon's captures by name, and how they are."""
        with client_errors(self.address):
            response = self._captures.ListCaptures(captures_pb2.ListCapturesRequest(), timeout=TIMEOUT)
        return [capture_protocol.capture(capture) for capture in response.captures]

    def start_capture(self, name: str) -> capture_messages.Capture:
        """Begin to listen; a capture that listens is left alone. Raises `CaptureNotFoundError`."""
        with client_errors(self.address):
            response = self._captures.StartCapture(captures_pb2.StartCaptureRequest(name=name), timeout=TIMEOUT)
        return capture_protocol.capture(response.capture)

    def stop_capture(self, name: str) -> capture_messages.Capture:
        """Stop to listen and close the device; a capture that is stopped is left alone. Raises `CaptureNotFoundError`."""
        with client_errors(self.address):
            response = self._captures.StopCapture(captures_pb2.StopCaptureRequest(name=name), timeout=TIMEOUT)
        return capture_protocol.capture(response.capture)

    def devices(self) -> list[capture_messages.Device]:
        """Return the devices that the daemon could capture now."""
        with client_errors(self.address):
            response = self._captures.ListDevices(captures_pb2.ListDevicesRequest(), timeout=TIMEOUT)
        return [capture_protocol.device(device) for device in response.devices]

    def enroll_from_capture(self, capture: str, config: messages.EnrollConfig) -> Stream[messages.EnrollmentEvent]:
        """Enroll whoever speaks next into a capture and yield the progress; the last event is `Enrolled`.

        Each stretch of speech is a recording, until there is enough; the daemon makes no attempts on that capture meanwhile. `at` of the
        events is 0. Raises `CaptureNotFoundError`, and what `enroll` does. Closing the stream gives the enrollment up.
        """
        request = capture_protocol.enroll_request(capture, config)
        return listen(self._captures.EnrollFromCapture, request, capture_protocol.enrollment_event, self.address)


def _connect(address: Address) -> grpc.Channel:
    credentials = channel_credentials(address)
    if credentials is None:
        return grpc.insecure_channel(address.target, channel_options(address))
    return grpc.secure_channel(address.target, credentials, channel_options(address))
