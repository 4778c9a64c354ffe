"""The verification service: one attempt per stream."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc

from daemon.config import Config
from daemon.decision import DEFAULT_CANDIDATES
from daemon.errors import ConfigExpectedError, EmptyMessageError, InvalidTargetError, UnexpectedConfigError
from daemon.events import Decision, Event
from daemon.names import normalise_name
from daemon.roster import Follower
from daemon.selection import select_speakers
from daemon.server import convert
from daemon.server.hearing import Hearing
from daemon.server.runtime import Runtime
from daemon.server.streams import Stream
from daemon.session import VerificationSession
from daemon.speakers import Speaker
from models.features import SAMPLE_RATE
from proto.speakerd.v1 import verification_pb2, verification_pb2_grpc

VerifyStream = Stream[verification_pb2.VerifyRequest, verification_pb2.VerifyResponse]


class VerificationService(verification_pb2_grpc.VerificationServiceServicer):
    """Tells whether a voice is one of the enrolled ones."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def Verify(  # type: ignore[override]  # noqa: N802 - a coroutine that writes is gRPC's other form of a stream
        self,
        request_iterator: object,  # noqa: ARG002 - messages are read from the context
        context: grpc.aio.ServicerContext[verification_pb2.VerifyRequest, verification_pb2.VerifyResponse],
    ) -> None:
        """Hear a voice, and decide."""
        async with self._runtime.streams.open("Verify", context) as stream:
            config = _config(await stream.receive())
            stream.name_it(config.request_id)
            decoder = convert.decoder(config.audio)
            roster = self._runtime.watching.roster
            changes = roster.changes
            session = self._session(config, speakers := await self._speakers(config))
            stream.log.info("stream opened", speakers=len(config.speakers))
            hearing = Hearing(session, self._runtime.engine, self._runtime.config.limits, decoder)
            with roster.followed(_among(speakers, session), since=changes):
                await _hear(stream, session, hearing)
            learner = self._runtime.watching.learner
            if learner and session.decision:
                await learner.learn(session.decision, session.embedding)

    async def _speakers(self, config: verification_pb2.VerifyConfig) -> tuple[Speaker, ...]:
        names = [normalise_name(name, self._runtime.config.limits.name_length) for name in config.speakers]
        enrolled = await self._runtime.stored(self._runtime.store.speakers)
        return select_speakers(enrolled, names, self._runtime.engine.encoder.model_id)

    def _session(self, config: verification_pb2.VerifyConfig, speakers: tuple[Speaker, ...]) -> VerificationSession:
        runtime = self._runtime
        return VerificationSession(
            runtime.engine.encoder.initial_state(),
            speakers,
            _targeted(runtime.config, config),
            runtime.calibration,
            interim=config.interim_results,
            wait_for_end=config.wait_for_end,
            candidates=config.max_candidates or DEFAULT_CANDIDATES,
        )


def _targeted(config: Config, wish: verification_pb2.VerifyConfig) -> Config:
    """Return the settings with the attempt's own target, if it has one. Raises `InvalidTargetError` unless that is as strict."""
    if not wish.HasField("false_accept_rate"):
        return config
    most = config.decision.false_accept_rate
    if not 0.0 < wish.false_accept_rate <= most:
        raise InvalidTargetError(
            f"false_accept_rate must be above 0 and not exceed that of the daemon, {most:g} (decision.false_accept_rate)", limit=f"{most:g}"
        )
    return config.model_copy(update={"decision": config.decision.model_copy(update={"false_accept_rate": wish.false_accept_rate})})


def _among(chosen: tuple[Speaker, ...], session: VerificationSession) -> Follower:
    """Return what tells the session how those who were chosen are enrolled now: whoever is not any more cannot be accepted."""
    names = {speaker.name for speaker in chosen}
    return lambda enrolled: session.set_speakers([speaker for speaker in enrolled if speaker.name in names])


async def _hear(stream: VerifyStream, session: VerificationSession, hearing: Hearing) -> None:
    while not session.done:
        request = await stream.receive()
        if request is None:
            hearing.end_recording()
            session.finish()
            await _deliver(stream, hearing.events())
        else:
            await _deliver(stream, hearing.hear(_audio(request)))


async def _deliver(stream: VerifyStream, events: AsyncIterator[Event]) -> None:
    async for event in events:
        if isinstance(event, Decision) and event.final:
            stream.log.info(
                "decision", outcome=event.outcome.value, reason=event.reason.value, speech_seconds=event.evidence.speech / SAMPLE_RATE
            )
        await stream.send(convert.verify_response(event, stream.request_id))


def _config(request: verification_pb2.VerifyRequest | None) -> verification_pb2.VerifyConfig:
    if request is None or request.WhichOneof("payload") != "config":
        raise ConfigExpectedError("the first message of a stream holds its config, the audio follows")
    return request.config


def _audio(request: verification_pb2.VerifyRequest) -> bytes:
    match request.WhichOneof("payload"):
        case "audio":
            return request.audio
        case "config":
            raise UnexpectedConfigError("a stream has one config, in its first message: open another stream for another attempt")
        case None:
            raise EmptyMessageError("a message holds neither config nor audio")
