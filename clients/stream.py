"""One call of the blocking client with messages in both directions."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Generic, Self, TypeVar

import grpc

from clients.address import Address
from clients.channel import client_errors

Request = TypeVar("Request")
Response = TypeVar("Response")
Event = TypeVar("Event")


class Stream(Generic[Event]):
    """The events that the daemon answers with while it is sent requests: an iterator that any thread may close.

    Raises what a client's methods do, and the errors of the requests.
    """

    def __init__(
        self,
        method: grpc.StreamStreamMultiCallable[Request, Response],
        requests: Iterator[Request],
        read: Callable[[Response], Event | None],
        address: Address,
    ) -> None:
        """Start the call. read: makes an event of a response, or None of one that is to be passed over."""
        self._address = address
        self._sender = _Sender(requests)
        self._call = method(self._sender)
        self._sender.call.set_result(self._call)
        self._events = filter(None, map(read, self._call))
        self._cancel = weakref.finalize(self, self._call.cancel)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        try:
            with client_errors(self._address):
                return self._next()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the call up if it is not over; a thread that waits for an event gets an error."""
        self._cancel()

    def _next(self) -> Event:
        try:
            return next(self._events)
        except grpc.RpcError:
            if self._sender.failure is not None and self._call.code() is grpc.StatusCode.CANCELLED:
                raise self._sender.failure from None
            raise


class _Sender(Generic[Request]):
    """Iterates over requests on gRPC's own thread; an error there ends the call and is kept for the thread that reads.

    gRPC by itself would log a traceback and report an unknown error.
    """

    def __init__(self, requests: Iterator[Request]) -> None:
        self.call: Future[grpc.Call] = Future()
        self.failure: BaseException | None = None
        self._requests = requests

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Request:
        try:
            return next(self._requests)
        except StopIteration:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the caller's audio raises is raised to the caller again
            self.failure = error
            self.call.result().cancel()
            raise StopIteration from None
