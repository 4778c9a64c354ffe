from __future__ import annotations

from functools import reduce

import pytest

from clients.capture_messages import Level
from clients.live.bars import axis, bar, decisions, fit, loudness, position, sound
from clients.live.glyphs import ASCII, UNICODE
from clients.live.history import History
from clients.messages import Outcome
from tests.clients.live.heard import decision

LOUD, SOFT = Level(-6.0, -3.0, speech=True), Level(-50.0, -40.0, speech=True)
SILENCE = Level(-70.0, -60.0, speech=False)


@pytest.mark.parametrize(
    ("text", "fitted"), [("ada", "ada  "), ("margaret", "marg…"), ("龍之介太", "龍之…"), ("a龍之介", "a龍…"), ("", "     ")]
)
def test_texts_fit_in_cells(text: str, fitted: str) -> None:
    assert fit(text, 5, UNICODE).rstrip() == fitted.rstrip()
    assert fit("margaret", 5, ASCII) == "marg~"


@pytest.mark.parametrize(
    ("value", "drawn"), [(-1.0, "····"), (0.0, "····"), (0.5, "██··"), (0.28125, "█▏··"), (0.625, "██▌·"), (1.0, "████"), (7.0, "████")]
)
def test_bars(value: float, drawn: str) -> None:
    assert bar(value, 4, UNICODE, "green").plain == drawn


def test_bars_without_unicode() -> None:
    assert bar(0.6, 5, ASCII, "green", {4: "|"}).plain == "###.|"


def test_marks_stand_in_filled_and_empty_cells() -> None:
    assert bar(0.5, 4, UNICODE, "green", {0: "|", 3: "|"}).plain == "|█·|"


def test_positions() -> None:
    assert [position(value, 10) for value in (-0.5, 0.0, 0.39, 0.4, 1.0, 2.0)] == [0, 0, 3, 4, 9, 9]


def test_loudness() -> None:
    assert [loudness(dbfs) for dbfs in (-90.0, -60.0, -30.0, 0.0, 3.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_the_strip_shows_speech_newest_at_the_right() -> None:
    history = reduce(lambda past, heard: past.heard(*heard), [(0.1, SILENCE), (0.6, SOFT), (1.1, LOUD), (1.6, SILENCE)], History())

    assert sound(history, 6, UNICODE).plain == "  ·▁█·"
    assert sound(history, 6, ASCII).plain == "  .:#."
    assert sound(history, 2, UNICODE).plain == "█·"


def test_decisions_end_below_their_column() -> None:
    history = History().decided(2.6, decision(2.6, ada=7.0)).decided(4.1, decision(4.1, Outcome.REJECT, ada=-11.0)).heard(5.1, SILENCE)

    assert decisions(history, 12, UNICODE).plain == "   ✓ada  ✗"


def test_a_label_is_cut_where_the_decision_before_stands() -> None:
    history = History().decided(2.6, decision(2.6, Outcome.REJECT, ada=-11.0)).decided(4.1, decision(4.1, margaret=7.0))

    assert decisions(history, 9, UNICODE).plain == "     ✗  ✓"


def test_the_sign_is_always_seen() -> None:
    history = History().decided(3.6, decision(3.6, Outcome.REJECT, ada=-11.0)).decided(4.1, decision(4.1, margaret=7.0))

    assert decisions(history, 9, UNICODE).plain == "       ✗✓"


def test_whoever_is_accepted_again_is_named_once() -> None:
    accepted = [decision(2.6, ada=7.0), decision(4.1, ada=10.0), decision(5.6, bob=10.0), decision(6.6, bob=10.0), decision(9.6, bob=10.0)]
    history = reduce(lambda past, verdict: past.decided(verdict.at, verdict), accepted, History())

    assert decisions(history, 19, UNICODE).plain == " ✓ada  ✓  ✓ ✓  ✓bob"


def test_decisions_that_have_left_the_strip_are_not_drawn() -> None:
    assert decisions(History().decided(1.0, decision(1.0, ada=7.0)).heard(10.0, SILENCE), 10, UNICODE).plain == ""


def test_many_decisions_at_once_keep_the_width() -> None:
    history = reduce(lambda past, _: past.decided(4.1, decision(4.1, margaret=7.0)), range(20), History())

    assert decisions(history, 12, UNICODE).cell_len <= 12


def test_the_axis_tells_the_time() -> None:
    assert axis(66).plain == " -30 s               -20 s               -10 s                 now"
    assert axis(3).plain == "   "
