"""A scenario, played to a daemon."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from clients.audio import paced
from clients.capture_messages import AttemptDecided, AttemptFollowed, AttemptStarted, FeedConfig
from clients.client import Client
from clients.errors import EnrollmentRefusedError, SpeakerNotFoundError
from clients.files import open_audio
from clients.messages import Decision, EnrollConfig
from clients.scenarios.checks import check
from clients.scenarios.rendering import Rendered, render
from clients.scenarios.report import Attempt, Report
from clients.scenarios.scenario import Scenario

_NAME: Final = "replay"


def replay(
    client: Client, scenario: Scenario, *, realtime: bool = False, watch: Callable[[Attempt], None] = lambda _attempt: None
) -> Report:
    """Enroll the scenario's speakers, feed its stream to the daemon, and forget them again, whatever happens.

    Their names begin with what no other has, and so does the capture's: nobody who is enrolled is touched, and no application that
    waits for one of them takes a recording for them. watch: hears of each decision as it comes. Raises `EnrollmentRefusedError` if a
    speaker cannot be enrolled, and what a client's methods do.
    """
    rendered = render(scenario)
    prefix = f"{_NAME}-{secrets.token_hex(4)}-"
    status = client.status()
    attempts = []
    with _enrolled(client, scenario, prefix):
        for attempt in _attempts(client, prefix, rendered, realtime=realtime):
            attempts.append(attempt)
            watch(attempt)
    checks = check(scenario, rendered.timeline, attempts)
    return Report(scenario.title, status.model_id, rendered.timeline.seconds, status.speakers, tuple(attempts), tuple(checks))


@contextmanager
def _enrolled(client: Client, scenario: Scenario, prefix: str) -> Iterator[None]:
    with ExitStack() as cleanup:
        for speaker in scenario.enroll:
            # Before it is there: an interrupt may come while the daemon stores it.
            cleanup.callback(_forget, client, prefix + speaker)
            _enroll(client, scenario, speaker, prefix)
        yield


def _enroll(client: Client, scenario: Scenario, speaker: str, prefix: str) -> None:
    try:
        for _ in client.enroll(EnrollConfig(prefix + speaker), map(open_audio, scenario.enroll[speaker])):
            pass
    except EnrollmentRefusedError as error:
        reason = str(error).replace(prefix, "")
        raise EnrollmentRefusedError(
            f"{speaker} of {scenario.title!r} cannot be enrolled: {reason}", reason=error.reason, metadata=error.metadata
        ) from error


def _forget(client: Client, name: str) -> None:
    with suppress(SpeakerNotFoundError):
        client.delete(name)


def _attempts(client: Client, prefix: str, rendered: Rendered, *, realtime: bool) -> Iterator[Attempt]:
    audio = rendered.audio()
    began: dict[int, float] = {}
    config = FeedConfig(prefix.removesuffix("-"), interim=False)
    for event in client.feed(config, paced(audio) if realtime else audio):
        match event.event:
            case AttemptStarted(attempt=number, offset=offset):
                began[number] = offset
            case AttemptDecided(attempt=number, decision=decision) | AttemptFollowed(attempt=number, decision=decision) if decision.final:
                yield _attempt(number, began[number], decision, prefix)


def _attempt(number: int, began: float, decision: Decision, prefix: str) -> Attempt:
    return Attempt(
        number=number,
        began=began,
        at=decision.at,
        outcome=decision.outcome,
        reason=decision.reason,
        speaker=decision.speaker.removeprefix(prefix),
        known=decision.speaker.startswith(prefix),
        score=decision.score,
        llr=decision.llr,
        posterior=decision.posterior,
        margin_accept=decision.margin_accept,
        margin_reject=decision.margin_reject,
        speech=decision.evidence.speech,
    )
