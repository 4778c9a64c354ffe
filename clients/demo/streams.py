"""The course of the demo: two enrollments, then four streams, each against the owner's claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clients.audio import paced
from clients.client import Client
from clients.demo.plan import Plan, Stream
from clients.files import open_audio
from clients.messages import Decision, EnrollConfig, EnrollmentEvent, VerificationEvent, VerifyConfig


@dataclass(frozen=True, slots=True)
class StreamResult:
    """How a stream ended."""

    stream: Stream
    decision: Decision

    @property
    def as_expected(self) -> bool:
        """Whether the outcome is the one that should come."""
        return self.decision.outcome is self.stream.expected


def enroll_all(client: Client, plan: Plan) -> Iterator[EnrollmentEvent]:
    """Enroll the voices of the plan and yield what happens."""
    for enrollment in plan.enrollments:
        yield from client.enroll(EnrollConfig(enrollment.speaker), map(open_audio, enrollment.recordings))


def play(client: Client, owner: str, stream: Stream, *, realtime: bool) -> Iterator[VerificationEvent | StreamResult]:
    """Stream a recording, at the speed of speech or as fast as it goes; what comes ends in a `StreamResult`."""
    audio = open_audio(stream.recording)
    for event in client.verify(VerifyConfig(speakers=[owner]), paced(audio) if realtime else audio):
        yield event
        if isinstance(event, Decision) and event.final:
            yield StreamResult(stream, event)
