"""The API keeps to buf's STANDARD rules, read from its descriptors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor

from proto.generate import ROOT

UPPER_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
LOWER_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PASCAL = re.compile(r"([A-Z][a-z0-9]*)+")


def _descriptor(source: str) -> FileDescriptor:
    module = import_module("proto." + source.removesuffix(".proto").replace("/", ".") + "_pb2")
    descriptor = module.DESCRIPTOR
    assert isinstance(descriptor, FileDescriptor)
    return descriptor


FILES = [_descriptor(path.relative_to(ROOT).as_posix()) for path in sorted(ROOT.rglob("*.proto"))]


def _messages(parents: list[Descriptor]) -> Iterator[Descriptor]:
    for message in parents:
        yield message
        yield from _messages(list(message.nested_types))


MESSAGES = [message for file in FILES for message in _messages(list(file.message_types_by_name.values()))]
ENUMS: list[EnumDescriptor] = [
    *(enum for file in FILES for enum in file.enum_types_by_name.values()),
    *(enum for message in MESSAGES for enum in message.enum_types),
]
SERVICES: list[ServiceDescriptor] = [service for file in FILES for service in file.services_by_name.values()]
METHODS: list[MethodDescriptor] = [method for service in SERVICES for method in service.methods]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_package_is_the_directory_and_versioned(file: FileDescriptor) -> None:
    directory, _, name = file.name.rpartition("/")

    assert file.package == directory.replace("/", ".")
    assert re.fullmatch(r"v[1-9][0-9]*", file.package.rpartition(".")[2])
    assert LOWER_SNAKE.fullmatch(name.removesuffix(".proto"))


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.name)
def test_enum_values_carry_the_prefix_and_begin_unspecified(enum: EnumDescriptor) -> None:
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"

    assert PASCAL.fullmatch(enum.name)
    assert enum.values_by_number[0].name == f"{prefix}UNSPECIFIED"
    assert [value.name for value in enum.values if not value.name.startswith(prefix) or not UPPER_SNAKE.fullmatch(value.name)] == []
    assert len(enum.values_by_number) == len(enum.values), "aliases"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.full_name)
def test_messages_are_pascal_case_and_fields_snake_case(message: Descriptor) -> None:
    # An optional field is alone in a oneof that protoc makes up, and names after it with a leading underscore.
    oneofs = [oneof.name for oneof in message.oneofs if [f"_{field.name}" for field in oneof.fields] != [oneof.name]]
    names = [field.name for field in message.fields] + oneofs

    assert PASCAL.fullmatch(message.name)
    assert [name for name in names if not LOWER_SNAKE.fullmatch(name)] == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_services_carry_the_suffix(service: ServiceDescriptor) -> None:
    assert PASCAL.fullmatch(service.name)
    assert service.name.endswith("Service")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_requests_and_responses_are_named_after_their_method(method: MethodDescriptor) -> None:
    bare = method.containing_service.name.removesuffix("Service")

    assert PASCAL.fullmatch(method.name)
    assert method.input_type.name in {f"{method.name}Request", f"{bare}{method.name}Request"}
    assert method.output_type.name in {f"{method.name}Response", f"{bare}{method.name}Response"}


def test_no_two_methods_share_a_request_or_response() -> None:
    uses = Counter(message.full_name for method in METHODS for message in (method.input_type, method.output_type))

    assert len(METHODS) > 0
    assert [name for name, count in uses.items() if count > 1] == []
