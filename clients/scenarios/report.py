"""What came of a scenario, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass

from clients.messages import Outcome, Reason


@dataclass(frozen=True, slots=True)
class Attempt:
    """A final decision of the daemon.

    number: counts the attempts of the stream. began: where the speech begins. at: when it was decided. speaker: as the scenario calls
    them. known: whether it is a speaker of the scenario and not another one that the daemon knows. score and what follows: as in a
    `Decision`. speech: net speech that it rests on. Times in seconds of the stream.
    """

    number: int
    began: float
    at: float
    outcome: Outcome
    reason: Reason
    speaker: str
    known: bool
    score: float
    llr: float
    posterior: float
    margin_accept: float
    margin_reject: float
    speech: float

    def __str__(self) -> str:
        who = f" {self.speaker}" if self.outcome is Outcome.ACCEPT else ""
        other = "" if self.known or self.outcome is not Outcome.ACCEPT else ", whom the scenario did not enroll,"
        return f"{self.outcome.value}{who}{other} at {self.at:.2f} s (speech since {self.began:.2f} s, LLR {self.llr:+.1f})"


@dataclass(frozen=True, slots=True)
class Check:
    """A rule of the scenario, in words, and what was found."""

    rule: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a scenario.

    model_id: the model that decided. seconds: length of the stream. others: speakers that the daemon knew besides those of the scenario.
    """

    title: str
    model_id: str
    seconds: float
    others: int
    attempts: tuple[Attempt, ...]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came as it must."""
        return all(check.passed for check in self.checks)

    def assert_passed(self) -> None:
        """Raise an `AssertionError` that tells what came otherwise, and everything that was decided."""
        # pytest shows the line of the test, not this one.
        __tracebackhide__ = True
        if not self.passed:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        failed = [f"  {check.rule}: {check.found}" for check in self.checks if not check.passed]
        decided = [f"  {attempt}" for attempt in self.attempts] or ["  nothing"]
        verdict = f"{len(failed)} of {len(self.checks)} checks failed" if failed else f"{len(self.checks)} checks passed"
        return "\n".join([f"{self.title}: {verdict}", *failed, f"decided in {self.seconds:.2f} s, by {self.model_id}:", *decided])
