from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]

from daemon.config import LimitsConfig, ServerConfig, TlsConfig
from daemon.server.lifecycle import SERVICES
from proto.speakerd.v1 import status_pb2
from proto.speakerd.v1.status_pb2_grpc import StatusServiceStub
from tests.daemon.server.certificates import Identity, identity
from tests.daemon.server.harness import CONFIG, Daemon, OpenStream, know, refused, running, short_directory, verify_config

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def directory() -> Iterator[Path]:
    with short_directory() as made:
        yield made


async def health(daemon: Daemon, service: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(daemon.channel)
    status: int = (await asyncio.to_thread(stub.Check, health_pb2.HealthCheckRequest(service=service))).status
    return status


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_it_is_healthy_while_it_runs(service: str) -> None:
    async with running() as daemon:
        assert await health(daemon, service) == SERVING


async def test_its_services_can_be_discovered() -> None:
    async with running() as daemon:
        stub = reflection_pb2_grpc.ServerReflectionStub(daemon.channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        [response] = await asyncio.to_thread(lambda: list(stub.ServerReflectionInfo(iter([request]))))
    names = {service.name for service in response.list_services_response.service}
    assert names >= {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", *SERVICES}
    assert {name.rpartition(".")[2] for name in SERVICES} == {
        "VerificationService",
        "EnrollmentService",
        "SpeakersService",
        "CapturesService",
        "SubscriptionService",
        "FeedService",
        "StatusService",
    }


async def test_stopping_waits_for_streams_and_lets_no_more_in() -> None:
    async with running() as daemon:
        know(daemon.store, "anna", 0)
        stream = await OpenStream(daemon).opened()
        stopping = asyncio.create_task(daemon.server.stop())
        while await health(daemon) == SERVING:
            pass
        with refused() as refusal:
            await daemon.verify([verify_config()])
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DAEMON_STOPPING")
        assert not stopping.done()
        assert (await stream.end())[-1].decision.is_final
        await stopping


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_stopping_tells_those_who_watch_its_health(service: str) -> None:
    async with running() as daemon:
        watching = health_pb2_grpc.HealthStub(daemon.channel).Watch(health_pb2.HealthCheckRequest(service=service))
        assert (await asyncio.to_thread(next, watching)).status == SERVING
        stopping = asyncio.create_task(daemon.server.stop())
        assert (await asyncio.to_thread(next, watching)).status == NOT_SERVING
        await stopping


async def test_streams_that_do_not_end_are_cut() -> None:
    async with running(CONFIG.model_copy(update={"server": ServerConfig(grace_seconds=0.1)})) as daemon:
        know(daemon.store, "anna", 0)
        stream = await OpenStream(daemon).opened()
        await daemon.server.stop()
        with pytest.raises(grpc.RpcError) as caught:
            await stream.rest()
    assert cast("grpc.Call", caught.value).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_stopped_server_can_be_started_anew_on_its_socket(directory: Path) -> None:
    for _ in range(2):
        async with running(directory=directory) as daemon:
            assert await health(daemon) == SERVING


async def test_it_listens_on_loopback_too() -> None:
    async with running(CONFIG.model_copy(update={"server": ServerConfig(tcp="127.0.0.1:0")})) as daemon:
        with grpc.insecure_channel(daemon.addresses[1]) as channel:
            status = await asyncio.to_thread(StatusServiceStub(channel).GetStatus, status_pb2.GetStatusRequest())
    assert status.model_id == "fake-1"


def mutual_tls(directory: Path, authority: Identity) -> ServerConfig:
    certificate, key = identity("daemon", authority).write(directory, "daemon")
    client_ca, _ = authority.write(directory, "authority")
    return ServerConfig(tcp="127.0.0.1:0", tls=TlsConfig(certificate=certificate, key=key, client_ca=client_ca))


async def model_over_tls(address: str, authority: Identity, client: Identity | None) -> str:
    key, certificate = (client.key_pem, client.certificate_pem) if client else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.certificate_pem, key, certificate)
    with grpc.secure_channel(address, credentials) as channel:
        ask = StatusServiceStub(channel).GetStatus
        return (await asyncio.to_thread(lambda: ask(status_pb2.GetStatusRequest(), timeout=20))).model_id


async def test_tls_lets_in_whom_the_authority_knows(directory: Path) -> None:
    authority = identity("authority")
    async with running(CONFIG.model_copy(update={"server": mutual_tls(directory, authority)})) as daemon:
        assert await model_over_tls(daemon.addresses[1], authority, identity("kiosk", authority)) == "fake-1"


@pytest.mark.parametrize("client", [None, identity("stranger", identity("another authority"))])
async def test_tls_turns_others_away(directory: Path, client: Identity | None) -> None:
    authority = identity("authority")
    async with running(CONFIG.model_copy(update={"server": mutual_tls(directory, authority)})) as daemon:
        with pytest.raises(grpc.RpcError):
            await model_over_tls(daemon.addresses[1], authority, client)
        with pytest.raises(grpc.RpcError), grpc.insecure_channel(daemon.addresses[1]) as channel:
            await asyncio.to_thread(lambda: StatusServiceStub(channel).GetStatus(status_pb2.GetStatusRequest(), timeout=20))


async def test_calls_that_are_no_streams_are_not_held_up_by_streams() -> None:
    async with running(CONFIG.model_copy(update={"limits": LimitsConfig(streams=1)})) as daemon:
        know(daemon.store, "anna", 0)
        stream = await OpenStream(daemon).opened()
        assert await health(daemon) == SERVING
        await stream.end()
