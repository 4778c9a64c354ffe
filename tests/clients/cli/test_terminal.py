"""What people see at a terminal, with its control codes."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from clients.cli.terminal import Terminal
from clients.messages import Candidate, Decision, EnrollmentProgress, Evidence, Outcome, Reason, SpeechStarted


def decision(score: float, *, final: bool, outcome: Outcome = Outcome.UNDECIDED) -> Decision:
    return Decision(
        at=1.0,
        outcome=outcome,
        final=final,
        reason=Reason.LLR_BETWEEN_BOUNDARIES,
        speaker="ada",
        score=score,
        llr=10 * score,
        posterior=score,
        margin_accept=10 * score - 5,
        margin_reject=10 * score + 2,
        expected_speech=None,
        evidence=Evidence(0.5, 20.0, 0.0, 7000.0),
        candidates=(Candidate("ada", score, 10 * score),),
    )


def show(*events: SpeechStarted | Decision | EnrollmentProgress, terminal: bool) -> str:
    screen = StringIO()
    output = Terminal(Console(file=screen, force_terminal=terminal, width=100, color_system="standard" if terminal else None))
    assert output.watched is terminal
    with output.live():
        for event in events:
            output.event(event)
    return screen.getvalue()


def test_the_running_evidence_lives_and_the_verdict_stays() -> None:
    screen = show(SpeechStarted(0.1, 0.0), decision(0.25, final=False), decision(0.75, final=True, outcome=Outcome.ACCEPT), terminal=True)

    assert "ada +2.5" in screen
    assert "0.5 s of speech" in screen
    assert "\x1b[1;32mACCEPT\x1b[0m ada" in screen
    assert screen.index("ada +2.5") < screen.index("ACCEPT")


def test_enrollment_progress_is_shown() -> None:
    progress = EnrollmentProgress(at=2.0, recording=2, evidence=Evidence(1.0, 20.0, 0.0, 7000.0), speech=3.5, needed=1.5)

    assert "recording 2" in show(progress, terminal=True)


def test_without_a_terminal_only_results_are_printed() -> None:
    screen = show(decision(0.25, final=False), decision(0.75, final=True), terminal=False)

    assert screen == "UNDECIDED: the evidence does not decide yet (LLR ada +7.5; posterior 75.0% after 0.5 s of speech)\n"


def test_names_are_not_taken_for_markup() -> None:
    screen = StringIO()
    Terminal(Console(file=screen, width=100)).deleted("[bold]ada[/bold]")

    assert screen.getvalue() == "Deleted [bold]ada[/bold] and everything derived from their voice.\n"
