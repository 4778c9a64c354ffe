"""The speakers service: who is enrolled."""

from __future__ import annotations

import base64
from itertools import islice
from typing import Final

import grpc
import structlog

from daemon.errors import InvalidPageError
from daemon.names import normalise_name
from daemon.server import convert
from daemon.server.errors import reported
from daemon.server.runtime import Runtime
from proto.speakerd.v1 import speakers_pb2, speakers_pb2_grpc

MAX_PAGE: Final = 1_000
"""More speakers than this might not fit into a message that clients take."""


class SpeakersService(speakers_pb2_grpc.SpeakersServiceServicer):
    """Lists, shows and forgets speakers, or what was learned of them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._log = structlog.get_logger()

    async def ListSpeakers(  # noqa: N802 - the API's name
        self,
        request: speakers_pb2.ListSpeakersRequest,
        context: grpc.aio.ServicerContext[speakers_pb2.ListSpeakersRequest, speakers_pb2.ListSpeakersResponse],
    ) -> speakers_pb2.ListSpeakersResponse:
        """Return the speakers by name, page by page; a page begins after the name that its token holds."""
        response = speakers_pb2.ListSpeakersResponse()
        async with reported(context, self._log):
            size, after = _page_size(request.page_size), _name_in(request.page_token)
            enrolled = await self._runtime.stored(self._runtime.store.speakers)
            rest = (speaker for speaker in enrolled if speaker.name > after)
            response.speakers.extend(convert.speaker(speaker) for speaker in islice(rest, size))
            if next(rest, None):
                response.next_page_token = _token(response.speakers[-1].name)
        return response

    async def GetSpeaker(  # noqa: N802 - the API's name
        self,
        request: speakers_pb2.GetSpeakerRequest,
        context: grpc.aio.ServicerContext[speakers_pb2.GetSpeakerRequest, speakers_pb2.GetSpeakerResponse],
    ) -> speakers_pb2.GetSpeakerResponse:
        """Return one speaker."""
        response = speakers_pb2.GetSpeakerResponse()
        async with reported(context, self._log):
            found = await self._runtime.stored(self._runtime.store.get, self._name(request.name))
            response.speaker.CopyFrom(convert.speaker(found))
        return response

    async def DeleteSpeaker(  # noqa: N802 - the API's name
        self,
        request: speakers_pb2.DeleteSpeakerRequest,
        context: grpc.aio.ServicerContext[speakers_pb2.DeleteSpeakerRequest, speakers_pb2.DeleteSpeakerResponse],
    ) -> speakers_pb2.DeleteSpeakerResponse:
        """Forget one speaker."""
        async with reported(context, self._log):
            await self._runtime.stored(self._runtime.store.delete, self._name(request.name))
            self._log.info("speaker deleted")
        return speakers_pb2.DeleteSpeakerResponse()

    async def ResetSpeaker(  # noqa: N802 - the API's name
        self,
        request: speakers_pb2.ResetSpeakerRequest,
        context: grpc.aio.ServicerContext[speakers_pb2.ResetSpeakerRequest, speakers_pb2.ResetSpeakerResponse],
    ) -> speakers_pb2.ResetSpeakerResponse:
        """Forget what a voiceprint learned."""
        response = speakers_pb2.ResetSpeakerResponse()
        async with reported(context, self._log):
            found = await self._runtime.stored(self._runtime.store.reset, self._name(request.name))
            response.speaker.CopyFrom(convert.speaker(found))
            self._log.info("speaker reset")
        return response

    def _name(self, name: str) -> str:
        return normalise_name(name, self._runtime.config.limits.name_length)


def _page_size(asked: int) -> int:
    if asked < 0:
        raise InvalidPageError(f"a page cannot have {asked} speakers: ask for 1 to {MAX_PAGE}, or 0 for as many as there can be")
    return min(asked or MAX_PAGE, MAX_PAGE)


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _name_in(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise InvalidPageError("that page token is not one of this daemon: begin again without a token") from None
