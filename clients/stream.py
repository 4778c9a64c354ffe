"""One call of the blocking client that the daemon answers with a row of events."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Generic, Protocol, Self, TypeVar

import grpc

from clients.address import Address
from clients.channel import client_errors

Request = TypeVar("Request")
Response = TypeVar("Response")
Answer_co = TypeVar("Answer_co", covariant=True)
Event = TypeVar("Event")


class _Call(Protocol[Answer_co]):
    """What a gRPC call that is answered with a stream has, by whatever name its type goes."""

    def __iter__(self) -> Iterator[Answer_co]: ...
    def code(self) -> grpc.StatusCode: ...
    def cancel(self) -> object: ...


class Stream(Generic[Event]):
    """The events that the daemon answers a call with: an iterator that any thread may close.

    Raises what a client's methods do, and the errors of the requests that are sent meanwhile.
    """

    def __init__(
        self,
        call: _Call[Response],
        read: Callable[[Response], Event | None],
        address: Address,
        failed: Callable[[], BaseException | None] = lambda: None,
    ) -> None:
        """Read a call that runs. read: makes an event of a response, or None of one that is to be passed over.

        failed: returns the error of the requests, if that is what ended the call.
        """
        self._address = address
        self._call = call
        self._failed = failed
        self._events = filter(None, map(read, call))
        self._cancel = weakref.finalize(self, call.cancel)

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
            failure = self._failed()
            if failure is not None and self._call.code() is grpc.StatusCode.CANCELLED:
                raise failure from None
            raise


def converse(
    method: grpc.StreamStreamMultiCallable[Request, Response],
    requests: Iterator[Request],
    read: Callable[[Response], Event | None],
    address: Address,
) -> Stream[Event]:
    """Start a call with messages in both directions: the requests are sent while the events are read."""
    sender = _Sender(requests)
    call = method(sender)
    sender.call.set_result(call)
    return Stream(call, read, address, lambda: sender.failure)


def listen(
    method: grpc.UnaryStreamMultiCallable[Request, Response],
    request: Request,
    read: Callable[[Response], Event | None],
    address: Address,
) -> Stream[Event]:
    """Start a call with one request that is answered with a row of events."""
    return Stream(method(request), read, address)


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
