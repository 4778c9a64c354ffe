"""A decision as people read it."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from clients.messages import Decision, Outcome
from clients.words import REASONS, probability, who

STYLES: Final = {Outcome.ACCEPT: "bold green", Outcome.REJECT: "bold red", Outcome.UNDECIDED: "yellow", Outcome.AMBIGUOUS: "yellow"}
"""How the outcomes are set off; the words alone must do without colours."""


def styled_outcome(decision: Decision) -> tuple[str, str]:
    """Return the outcome and its style."""
    return decision.outcome.value, STYLES[decision.outcome]


def verdict(decision: Decision) -> Text:
    """Return who it is, and why."""
    name = who(decision)
    return Text.assemble(styled_outcome(decision), f" {name}: {why(decision)}" if name else f": {why(decision)}")


def why(decision: Decision) -> str:
    """Return why it is so: in words, and by which log-likelihood ratios."""
    words = REASONS[decision.reason]
    if not decision.candidates:
        return words
    ratios = ", ".join(f"{candidate.speaker} {candidate.llr:+.1f}" for candidate in decision.candidates[:2])
    return f"{words} (LLR {ratios}; posterior {probability(decision.posterior)} after {decision.evidence.speech:.1f} s of speech)"
