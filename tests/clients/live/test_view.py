from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from rich.text import Text

from clients.capture_messages import AttemptDecided, CaptureChange
from clients.errors import UnreachableError
from clients.live.glyphs import ASCII, UNICODE, Glyphs, glyphs_for
from clients.live.model import Choose, Confirm, Ended, Enrolling, Known, Source, State
from clients.live.scores import share
from clients.live.view import render
from clients.messages import EnrollMode, Outcome
from tests.clients.live.heard import START, after, changed, decided, keys, level, progress, started

HEARD = after(START, level(1.0), started(1.2, 1.0), decided(2.3, ada=7.3, bob=-0.5), level(2.4))
CROWD = replace(START, speakers=tuple(f"speaker-{number:03}" for number in range(200)))


def lines(state: State, width: int = 80, height: int = 24, glyphs: Glyphs = UNICODE) -> list[str]:
    return [line.plain for line in render(state, width, height, glyphs)]


def shown(state: State, width: int = 80, height: int = 24, glyphs: Glyphs = UNICODE) -> str:
    return "\n".join(lines(state, width, height, glyphs))


def test_the_screen() -> None:
    assert lines(HEARD) == [
        " speakerd live  kitchen                                      edge-1  2 enrolled ",
        "",
        " level        ██████████████████████████████·······▌·······   -20 dB  ● SPEECH",
        "",
        " evidence            reject -2.0 v                  v +4.0 accept              ",
        " ada          ███████████████████│██████████████████│██████████▎········   +7.3",
        " bob          ███████████████████│████▏·············│···················   -0.5",
        "",
        "  ✓ ACCEPT   ada  1.3 s after the speech began",
        " the voice fits: LLR +7.3, +3.3 from acceptance; posterior over 99.9%",
        " following ada while they speak",
        "",
        " heard" + " " * 68 + "··▆·▆",
        " decided" + " " * 67 + "✓ada",
        "                                  -20 s               -10 s                 now",
        *[""] * 8,
        " e enroll   d delete   q quit" + " " * 51,
    ]


def test_a_running_attempt_is_told_below_the_last_verdict() -> None:
    running = decided(9.4, Outcome.UNDECIDED, final=False, expected=0.72, bob=1.0, ada=-11.0)
    state = after(HEARD, started(9.0, 8.8), running)

    assert "ACCEPT   ada  1.3 s after the speech began, 7 s ago" in shown(state)
    assert "listening: bob fits best, LLR +1.0 after 1.2 s of speech, about 0.7 s more" in shown(state)
    assert "listening ..." in shown(after(START, started(9.0, 8.8)))


def test_who_is_followed_is_named() -> None:
    state = after(START, started(1.2, 1.0), decided(2.3, ada=7.0))

    assert "following ada while they speak" in shown(state)


@pytest.mark.parametrize(("outcome", "sign"), [(Outcome.REJECT, "✗"), (Outcome.UNDECIDED, "?")])
def test_nobody_is_named_who_is_not_accepted(outcome: Outcome, sign: str) -> None:
    (verdict,) = (line for line in lines(after(START, decided(2.3, outcome, ada=1.0))) if outcome.value in line)

    assert verdict.strip() == f"{sign} {outcome.value}"


def test_both_are_named_who_cannot_be_told_apart() -> None:
    (verdict,) = (line for line in lines(after(START, decided(2.3, Outcome.AMBIGUOUS, ada=7.0, bob=6.5, cleo=-3.0))) if "AMBIGUOUS" in line)

    assert verdict.strip() == "≈ AMBIGUOUS   ada or bob"


@pytest.mark.parametrize(("llr", "drawn"), [(-8.0, 0.0), (-2.0, 1 / 3), (1.0, 1 / 2), (4.0, 2 / 3), (10.0, 1.0), (99.0, 1.0), (-99.0, 0.0)])
def test_the_boundaries_are_at_a_third_and_at_two_thirds_of_a_bar(llr: float, drawn: float) -> None:
    assert share(llr, START.scoring) == pytest.approx(drawn)


def test_the_boundaries_are_those_of_the_newest_attempt() -> None:
    # The same evidence among more speakers.
    stricter = decided(2.3, Outcome.UNDECIDED, ada=4.5, bob=-3.0)
    assert isinstance(stricter.event, AttemptDecided)
    decision = replace(stricter.event.decision, margin_accept=-0.5)
    state = after(START, replace(stricter, event=replace(stricter.event, decision=decision)))
    assert (state.scoring.accept, state.scoring.reject) == (5.0, -2.0)
    assert "v +5.0 accept" in shown(state)


def test_bars_say_by_their_colour_where_the_evidence_lies() -> None:
    state = after(START, decided(2.3, ada=7.3, bob=-0.5, cleo=-3.0), Known(("ada", "bob", "cleo", "dora")))
    bars = render(state, 80, 24, UNICODE)[5:9]

    assert [[span.style for span in line.spans if span.style in {"green", "yellow", "red"}][:1] for line in bars] == [
        ["green"],
        ["yellow"],
        ["red"],
        [],
    ]


def test_nobody_is_enrolled() -> None:
    state = replace(START, speakers=())

    assert "nobody is enrolled" in shown(state)
    assert "Press e, type a name" in shown(state)


def test_a_temporary_daemon_says_so() -> None:
    assert "temporary" in shown(replace(START, source=Source("kitchen", "kitchen", own=True)))


def test_long_and_wide_names_keep_the_columns() -> None:
    state = after(
        replace(START, speakers=("m" * 64, "龍" * 32)), decided(2.3, Outcome.ACCEPT, final=True, **{"m" * 64: 13.0, "龍" * 32: -3.0})
    )

    assert "mmmmmmmmmmm… █" in shown(state)
    assert "龍龍龍龍龍…  █" in shown(state)
    assert " +13.0" in shown(state)


def test_of_many_speakers_those_are_shown_who_fit_best() -> None:
    text = shown(after(CROWD, decided(2.3, Outcome.ACCEPT, final=True, **{"speaker-150": 10.0, "speaker-007": 1.0})))

    assert text.index("speaker-007") < text.index("speaker-150")
    assert "and 196 more" in text


def test_whoever_is_chosen_from_many_is_shown() -> None:
    for index in (0, 77, 199):
        assert f"▶ speaker-{index:03}"[:12] in shown(replace(CROWD, dialog=Choose(index)))
    assert "Who is to be deleted?" in shown(replace(CROWD, dialog=Choose(77)))
    assert "the voice of speaker-077?" in shown(replace(CROWD, dialog=Confirm("speaker-077")))
    # They may have gone meanwhile.
    assert shown(replace(START, speakers=(), dialog=Choose(3)))
    assert shown(replace(CROWD, dialog=Confirm("gone")))


def test_enrollment() -> None:
    asked = after(START, *keys("e", "a", "d", "a"))
    state = replace(START, at=12.0, dialog=Enrolling("m" * 64, EnrollMode.CREATE, 10.0, progress(1.2, 0.8)))

    assert "Who will speak? ada_" in shown(asked)
    assert "xyz_" in shown(after(START, *keys("e", *"x" * 61, *"xyz")), 60)
    assert "Known: what is said now is added" in shown(asked)
    assert "1.2 s of speech" in shown(state)
    assert "good: go on" in shown(state)
    assert "When the sunlight strikes" in shown(state)
    assert "escape give up" in lines(state)[-1]
    assert "Too loud" in shown(after(state, changed(12.0, CaptureChange.CLIPPING_STARTED)))


def test_alarms_come_before_notices() -> None:
    noted = after(START, *keys("d", "enter", "n"))

    assert "ada stays enrolled" in shown(noted)
    both = shown(after(noted, changed(0.0, CaptureChange.CLIPPING_STARTED)))
    assert both.index("! Too loud") < both.index("ada stays enrolled")


def test_a_long_error_is_folded() -> None:
    text = shown(after(START, Ended(UnreachableError("word " * 30))))

    assert text.count("word") == 30


def test_without_unicode() -> None:
    text = shown(HEARD, glyphs=ASCII)

    assert text.isascii()
    assert "+ ACCEPT   ada" in text
    assert glyphs_for("utf-8") is glyphs_for("UTF8") is UNICODE
    assert glyphs_for("ANSI_X3.4-1968") is glyphs_for("iso-8859-1") is ASCII


@pytest.mark.parametrize("size", [(132, 50), (80, 24), (60, 14), (40, 10), (39, 10), (20, 3), (1, 1)])
@pytest.mark.parametrize("state", [START, HEARD, CROWD, replace(CROWD, dialog=Choose(5)), after(HEARD, *keys("e", *"x" * 64))])
def test_every_size_is_filled_and_kept(state: State, size: tuple[int, int]) -> None:
    width, height = size
    drawn = render(state, width, height, UNICODE)

    assert len(drawn) == height
    assert max(line.cell_len for line in drawn) <= width


def test_small_terminals_keep_the_verdict_and_the_keys() -> None:
    small = lines(HEARD, 40, 10)

    assert any("ACCEPT   ada" in line for line in small)
    assert "q quit" in small[-1]
    assert "Too small: 40 x 10" in shown(HEARD, 39, 10)
    assert "ACCEPT   ada" in shown(HEARD, 39, 10)


def test_no_text_has_a_colour_without_a_background_of_its_own() -> None:
    """What can be read depends on no background then."""
    states = (HEARD, after(START, decided(2.3, Outcome.REJECT, ada=-11.0)), replace(CROWD, dialog=Choose(5)))
    drawn = reduce(lambda text, line: text.append_text(line), (line for state in states for line in render(state, 80, 24, UNICODE)), Text())

    for span in drawn.spans:
        words = any(character.isalnum() for character in drawn.plain[span.start : span.end])
        assert not words or " on " in str(span.style) or span.style in {"bold", "dim", "reverse", ""}
