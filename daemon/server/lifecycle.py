"""A server from its first socket to its last stream."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from typing import Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

from daemon.capture.microphones import Microphones, find_devices
from daemon.config import Config
from daemon.engine import Engine
from daemon.enrollment.learning import Learner
from daemon.roster import Roster
from daemon.server.address import listen_on_socket, listen_on_tcp
from daemon.server.captures import CapturesService
from daemon.server.enrollment import EnrollmentService
from daemon.server.feed import FeedService
from daemon.server.runtime import Runtime
from daemon.server.saving import Saver
from daemon.server.speakers import SpeakersService
from daemon.server.status import StatusService
from daemon.server.streams import Streams
from daemon.server.subscription import SubscriptionService
from daemon.server.verification import VerificationService
from daemon.store.voiceprints import VoiceprintStore
from daemon.watch.captures import Captures
from daemon.watch.hub import Hub
from daemon.watch.watching import WatchParts
from models.calibration.calibration import Calibration
from models.encoder import Encoder
from proto.speakerd.v1 import (
    captures_pb2,
    captures_pb2_grpc,
    enrollment_pb2,
    enrollment_pb2_grpc,
    feed_pb2,
    feed_pb2_grpc,
    speakers_pb2,
    speakers_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
    subscription_pb2,
    subscription_pb2_grpc,
    verification_pb2,
    verification_pb2_grpc,
)

SERVICES: Final = tuple(
    service.full_name
    for file in (verification_pb2, enrollment_pb2, speakers_pb2, captures_pb2, subscription_pb2, feed_pb2, status_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
)
OTHER_CALLS: Final = 64
"""How many calls that are no streams, such as health watches, may run beside streams and subscriptions."""
CLOSING_SECONDS: Final = 0.5
REFUSED_BYTES: Final = 8 * 2**20
"""How much above the message cap a message may be to be refused with a reason; larger ones gRPC refuses without."""
MINUTE_MS: Final = 60_000


class Server:
    """The daemon's services on its socket, which must be claimed, and on its TCP address if it has one."""

    def __init__(self, config: Config, encoder: Encoder, calibration: Calibration, store: VoiceprintStore) -> None:
        self._config = config
        self._engine = Engine(encoder, config.model.max_batch)
        self._streams = Streams(config.limits)
        self._health = health.aio.HealthServicer()
        most_calls = config.limits.streams + config.subscriptions.subscribers + OTHER_CALLS
        self._server = grpc.aio.server(options=_options(config), maximum_concurrent_rpcs=most_calls)
        self._storage = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
        self._roster = Roster(store, encoder.model_id)
        self.hub = Hub(config.subscriptions)
        """Where the events of its captures are published."""
        learner = Learner(config, calibration, store, self._storage, self._roster)
        watching, captures = WatchParts(config, self._engine, calibration, self._roster, self.hub, learner), Captures()
        self._microphones = Microphones(config.captures, watching, captures)
        self._add_services(Runtime(config, self._engine, calibration, store, self._storage, self._streams, watching, captures))

    async def start(self) -> list[str]:
        """Begin to serve; return the addresses. Raises `StartError`, `CaptureUnavailableError`."""
        await find_devices(self._config.captures)
        server = self._config.server
        addresses = [listen_on_socket(self._server, server.socket_path)]
        if server.tcp:
            addresses.append(listen_on_tcp(self._server, server.tcp, server.tls))
        for service in SERVICES:
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()
        self._microphones.autostart()
        return addresses

    async def stop(self) -> None:
        """End gracefully: say so, let no more streams in, give those that are open their time, then cut them."""
        await self._health.enter_graceful_shutdown()
        await self._microphones.close()
        await self._streams.drain(self._config.server.grace_seconds)
        # Even a stream that has ended may still have its status to send.
        await self._server.stop(None if self._streams.active else CLOSING_SECONDS)
        self._roster.close()
        self._engine.close()
        self._storage.shutdown()

    def _add_services(self, runtime: Runtime) -> None:
        saver = Saver(runtime)
        verification_pb2_grpc.add_VerificationServiceServicer_to_server(VerificationService(runtime), self._server)
        enrollment_pb2_grpc.add_EnrollmentServiceServicer_to_server(EnrollmentService(runtime, saver), self._server)
        captures_pb2_grpc.add_CapturesServiceServicer_to_server(CapturesService(runtime, self._microphones, saver), self._server)
        speakers_pb2_grpc.add_SpeakersServiceServicer_to_server(SpeakersService(runtime), self._server)
        subscription_pb2_grpc.add_SubscriptionServiceServicer_to_server(SubscriptionService(runtime), self._server)
        feed_pb2_grpc.add_FeedServiceServicer_to_server(FeedService(runtime), self._server)
        status_pb2_grpc.add_StatusServiceServicer_to_server(StatusService(runtime), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection([*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)


async def serve(config: Config, encoder: Encoder, calibration: Calibration, store: VoiceprintStore, *, attached: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, or, if `attached`, until standard input ends. Raises `StartError`."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if attached:
        Thread(target=_await_end_of_input, args=(loop, stopping), name="attached", daemon=True).start()
    server, log = Server(config, encoder, calibration, store), structlog.get_logger()
    try:
        addresses = await server.start()
        log.info("ready", address=addresses[0], addresses=addresses, model=encoder.model_id)
        await stopping.wait()
        log.info("stopping")
    finally:
        await server.stop()
    log.info("stopped")


def _await_end_of_input(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """Runs in a thread: any kind of input can be waited for so."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    # The loop may be closed by now.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stopping.set)


def _options(config: Config) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", config.limits.message_bytes + REFUSED_BYTES),
        # Two daemons on one port would share its calls.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", 2 * MINUTE_MS),
        ("grpc.keepalive_timeout_ms", MINUTE_MS // 3),
        ("grpc.http2.min_ping_interval_without_data_ms", MINUTE_MS),
    ]
