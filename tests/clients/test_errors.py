from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

import daemon.errors
from clients import errors
from clients.errors import DaemonError, daemon_error
from daemon.errors import SpeakerdError
from daemon.server.errors import status_code

FAMILIES = {
    daemon.errors.InvalidRequestError: errors.InvalidRequestError,
    daemon.errors.LimitError: errors.LimitError,
    daemon.errors.EnrollmentRefusedError: errors.EnrollmentRefusedError,
    daemon.errors.SpeakerNotFoundError: errors.SpeakerNotFoundError,
    daemon.errors.SpeakerExistsError: errors.SpeakerExistsError,
    daemon.errors.NoSpeakersError: errors.NoSpeakersError,
    daemon.errors.CaptureNotFoundError: errors.CaptureNotFoundError,
    daemon.errors.CaptureExistsError: errors.CaptureExistsError,
    daemon.errors.CaptureStoppedError: errors.DaemonError,
    daemon.errors.CaptureBusyError: errors.DaemonError,
    daemon.errors.CaptureUnavailableError: errors.DaemonError,
    daemon.errors.SubscriberTooSlowError: errors.SubscriberTooSlowError,
    daemon.errors.HistoryGoneError: errors.HistoryGoneError,
    daemon.errors.StoppingError: errors.UnreachableError,
    daemon.errors.WrongModelError: errors.DaemonError,
    daemon.errors.StorageError: errors.DaemonError,
}
"""The daemon's errors that reach a client, with their families of subclasses, and what a client raises for them."""


def leaves(family: type[SpeakerdError]) -> list[type[SpeakerdError]]:
    own = [family] if "reason" in vars(family) else []
    return own + [leaf for child in family.__subclasses__() for leaf in leaves(child)]


def details(reason: str, domain: str = "speakerd", **metadata: str) -> bytes:
    detail = Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata))
    serialized: bytes = status_pb2.Status(code=3, message="sentence", details=[detail]).SerializeToString()
    return serialized


@pytest.mark.parametrize(
    ("leaf", "expected"),
    # A family within another comes after it, and counts.
    {leaf: expected for family, expected in FAMILIES.items() for leaf in leaves(family)}.items(),
)
def test_each_error_of_the_daemon_has_its_class(leaf: type[SpeakerdError], expected: type[errors.ClientError]) -> None:
    error = daemon_error(status_code(leaf("sentence")).name, "sentence", details(leaf.reason, message="metadata"))

    assert type(error) is expected
    assert error.reason == leaf.reason
    assert str(error) == "sentence"
    assert error.metadata == {"message": "metadata"}


def test_every_error_that_reaches_a_client_is_in_a_family() -> None:
    ours = {leaf for family in FAMILIES for leaf in leaves(family)}
    operators = {*leaves(daemon.errors.StartError), *leaves(daemon.errors.CommandError)}

    assert set(leaves(SpeakerdError)) - ours == {SpeakerdError, *operators}


@pytest.mark.parametrize("serialized", [b"", b"\xff\xff", details("SPEAKER_NOT_FOUND", domain="elsewhere")])
def test_without_an_error_info_the_code_is_the_reason(serialized: bytes) -> None:
    error = daemon_error("UNIMPLEMENTED", "Method not found!", serialized)

    assert type(error) is DaemonError
    assert error.reason == "UNIMPLEMENTED"
    assert str(error) == "Method not found!"


def test_an_error_without_words_still_says_something() -> None:
    assert str(daemon_error("INTERNAL", "", b"")) == "the daemon failed with INTERNAL: its log tells why"
