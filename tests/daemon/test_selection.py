from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daemon.errors import NoSpeakersError, SpeakerNotFoundError, WrongModelError
from daemon.selection import select_speakers
from daemon.speakers import Speaker
from tests.daemon.templates import MODEL, template

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def speaker(name: str, model_id: str = MODEL) -> Speaker:
    return Speaker(name, (template(1, model_id),), NOW, NOW)


ANNA, BEN = speaker("Anna"), speaker("Ben")


def test_no_names_select_all() -> None:
    assert select_speakers([ANNA, BEN], [], MODEL) == (ANNA, BEN)


def test_names_select_theirs_once() -> None:
    assert select_speakers([ANNA, BEN], ["Ben", "Ben"], MODEL) == (BEN,)


def test_all_unknown_names_are_told() -> None:
    with pytest.raises(SpeakerNotFoundError, match="'Carl', 'Dora'"):
        select_speakers([ANNA], ["Dora", "Anna", "Carl"], MODEL)


def test_a_name_is_unknown_when_nobody_is_enrolled() -> None:
    with pytest.raises(SpeakerNotFoundError, match="'Anna'"):
        select_speakers([], ["Anna"], MODEL)


def test_a_search_among_nobody_is_refused() -> None:
    with pytest.raises(NoSpeakersError, match="enroll a speaker first"):
        select_speakers([], [], MODEL)


@pytest.mark.parametrize("names", [[], ["Old"], ["Anna", "Old"]])
def test_voiceprints_of_another_model_are_refused(names: list[str]) -> None:
    with pytest.raises(WrongModelError, match="'Old' must be enrolled again") as caught:
        select_speakers([ANNA, speaker("Old", "fake-0")], names, MODEL)
    assert caught.value.metadata == {"speakers": "Old"}


def test_others_may_be_of_another_model() -> None:
    assert select_speakers([ANNA, speaker("Old", "fake-0")], ["Anna"], MODEL) == (ANNA,)
