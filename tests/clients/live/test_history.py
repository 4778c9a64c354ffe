from __future__ import annotations

from clients.capture_messages import Level
from clients.live.history import COLUMNS, Column, History, Mark
from tests.clients.live.heard import decision

LOUD, SOFT = Level(-10.0, -5.0, speech=True), Level(-40.0, -30.0, speech=False)


def test_a_column_is_half_a_second_and_keeps_the_loudest() -> None:
    history = History().heard(0.1, SOFT).heard(0.3, LOUD).heard(0.4, SOFT).heard(0.6, SOFT)

    assert history.columns == (Column(-10.0, speech=True), Column(-40.0, speech=False))
    assert history.newest == 1


def test_what_was_not_heard_is_silent() -> None:
    history = History().heard(0.1, LOUD).heard(1.6, LOUD)

    assert [column.speech for column in history.columns] == [True, False, False, True]


def test_a_decision_stands_where_it_fell() -> None:
    verdict = decision(1.2, ada=7.0)

    assert History().heard(0.1, LOUD).decided(1.2, verdict).marks == (Mark(2, verdict),)


def test_memory_is_bounded() -> None:
    history = History()
    for second in range(2 * COLUMNS):
        history = history.heard(second, LOUD).decided(second, decision(second, ada=7.0))

    assert len(history.columns) == COLUMNS
    assert len(history.marks) == COLUMNS / 2


def test_a_long_gap_costs_no_more() -> None:
    history = History().heard(0.1, LOUD).decided(0.1, decision(0.1, ada=7.0)).heard(1e9, LOUD)

    assert (len(history.columns), history.marks) == (COLUMNS, ())


def test_audio_that_begins_anew_begins_a_new_history() -> None:
    history = History().heard(10.0, LOUD).decided(10.0, decision(10.0, ada=7.0)).heard(0.1, SOFT)

    assert history == History((Column(-40.0, speech=False),), (), 0)
