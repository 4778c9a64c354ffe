from __future__ import annotations

from dataclasses import replace

import pytest

from clients.live.dialogs import NAME_LENGTH
from clients.live.model import AskName, Choose, Confirm, Delete, Enroll, Enrolling, GiveUp, Known, Message, Pressed, Quit
from clients.messages import EnrollMode
from tests.clients.live.heard import START, after, command, decided, keys, level


def test_q_quits() -> None:
    assert command(START, Pressed("q")) == Quit()


def test_e_asks_for_a_name_and_enrolls() -> None:
    typed = after(START, level(3.0), decided(3.0, ada=7.0), *keys("e", " ", "c", "l", "q", "backspace", "e", "o", " "))

    assert typed.dialog == AskName(" cleo ")
    assert command(typed, Pressed("enter")) == Enroll("cleo", EnrollMode.CREATE)
    enrolling = after(typed, Pressed("enter"))
    assert enrolling.dialog == Enrolling("cleo", EnrollMode.CREATE, began=3.0)
    assert (enrolling.verdict, enrolling.ratios) == (None, {})


def test_a_name_that_is_known_is_added_to() -> None:
    state = after(START, *keys("e", "a", "d", "a"))

    assert command(state, Pressed("enter")) == Enroll("ada", EnrollMode.ADD)


def test_names_are_composed_as_the_daemon_does() -> None:
    state = after(replace(START, speakers=("Zo\u00eb",)), *keys("e", "Z", "o", "e", "\u0308"))

    assert command(state, Pressed("enter")) == Enroll("Zo\u00eb", EnrollMode.ADD)


def test_there_is_no_enrollment_without_a_name() -> None:
    assert after(START, *keys("e", " ", "enter")).dialog == AskName(" ")
    assert after(START, *keys("e", "x", "escape")).dialog is None


def test_what_is_no_part_of_a_name_is_passed_over() -> None:
    assert after(START, *keys("e", "up", "\x07", "x")).dialog == AskName("x")
    assert after(START, *keys("e", *"x" * 2 * NAME_LENGTH)).dialog == AskName("x" * NAME_LENGTH)


def test_an_enrollment_is_given_up() -> None:
    state = after(START, *keys("e", "x", "enter"))

    assert command(state, Pressed("q")) is None
    assert command(state, Pressed("escape")) == GiveUp()
    assert after(state, Pressed("escape")).dialog is None


def test_nobody_is_enrolled_once_nothing_is_heard() -> None:
    state = after(replace(START, ended=True), Pressed("e"))

    assert state.dialog is None
    assert state.notice


def test_d_chooses_confirms_and_deletes() -> None:
    chosen = after(START, *keys("d", "down", "down", "up", "down"))

    assert chosen.dialog == Choose(1)
    confirming = after(chosen, Pressed("enter"))
    assert confirming.dialog == Confirm("bob")
    assert command(confirming, Pressed("y")) == Delete("bob")
    assert after(confirming, Pressed("y")).dialog is None


@pytest.mark.parametrize("key", ["n", "escape"])
def test_who_is_not_confirmed_stays(key: str) -> None:
    state = after(START, *keys("d", "enter"))

    assert command(state, Pressed(key)) is None
    assert after(state, Pressed(key)).dialog is None
    assert after(state, *keys("x", "enter", "q")) == state


def test_a_letter_goes_to_the_next_of_that_letter() -> None:
    state = replace(START, speakers=("ada", "Bea", "bob", "cleo"), dialog=Choose(0))

    assert [after(state, *keys(*"bb"[:times])).dialog for times in (1, 2)] == [Choose(1), Choose(2)]
    assert after(state, *keys("b", "b", "b")).dialog == Choose(1)
    assert after(state, *keys("z")).dialog == Choose(0)
    assert after(state, *keys("escape")).dialog is None


@pytest.mark.parametrize("message", [Pressed("enter"), Pressed("up"), Pressed("down"), Pressed("a")])
def test_all_who_could_be_chosen_may_go_meanwhile(message: Message) -> None:
    state = after(START, Pressed("d"), Known(()), message)

    assert state.dialog in {Choose(0), Choose(-1)}
    assert command(state, Pressed("enter")) is None


def test_nobody_can_be_deleted_if_nobody_is_enrolled() -> None:
    state = after(replace(START, speakers=()), Pressed("d"))

    assert state.dialog is None
    assert state.notice


def test_other_keys_do_nothing() -> None:
    assert after(START, *keys("x", "enter", "up", "escape")) == START
