from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clients.capture_messages import AttemptFollowed, CaptureEvent, CaptureNews, Locked, SpeakerChanged
from clients.cli.capture_fields import subscription_fields
from clients.cli.capture_lines import event_line
from clients.messages import Decision, Evidence, Outcome, Reason

NOW = datetime(2025, 1, 1, tzinfo=UTC)
EVIDENCE = Evidence(1.8, 20.0, 0.0, 7000.0, 0.9)
CHANGED = SpeakerChanged(3, "ada", -2.5, EVIDENCE)
LOCKED = Locked(3, "ada", Reason.SPEAKER_CHANGED)
FOLLOWED = AttemptFollowed(
    3, Decision(2.5, Outcome.ACCEPT, True, Reason.LLR_ABOVE_BOUNDARY, "ada", 0.75, 4.0, 0.98, 1.0, 6.0, None, EVIDENCE, ()), NOW
)


def event(news: CaptureNews) -> CaptureEvent:
    return CaptureEvent("run", 7, NOW, "door", 2.5, news)


@pytest.mark.parametrize(
    ("news", "words"), [(CHANGED, "CHANGED: somebody else speaks than ada"), (LOCKED, "LOCKED ada: somebody else speaks")]
)
def test_people_read_what_becomes_of_an_acceptance(news: CaptureNews, words: str) -> None:
    line = event_line(event(news))
    assert line is not None
    assert line.plain.endswith(f"door  {words}")


def test_people_are_not_told_again_and_again_who_speaks_on() -> None:
    assert event_line(event(FOLLOWED)) is None


def test_programs_are_told_everything() -> None:
    told = [subscription_fields(event(news)) for news in (FOLLOWED, CHANGED, LOCKED)]
    assert [fields["event"] for fields in told] == ["attempt_followed", "speaker_changed", "locked"]
    assert [fields["attempt"] for fields in told] == [3, 3, 3]
    assert (told[0]["decision"], told[0]["final"], told[0]["expires"]) == ("ACCEPT", True, NOW.isoformat())
    assert (told[1]["speaker"], told[1]["llr"], told[1]["speech_seconds"], told[1]["voice_probability"]) == ("ada", -2.5, 1.8, 0.9)
    assert (told[2]["speaker"], told[2]["reason"]) == ("ada", "SPEAKER_CHANGED")
