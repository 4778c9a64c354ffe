"""What people see: a line that lives while something goes on, and a line for each result."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from clients.capture_messages import AttemptDecided, Capture, CaptureEvent, Device
from clients.cli.capture_lines import event_line, source_line
from clients.cli.enrollment_lines import enrolled_lines, speaker_line
from clients.cli.output import Event, Item, leave_unread
from clients.cli.report import report_table, timeline_table
from clients.cli.verdicts import STYLES, styled_outcome, verdict, why
from clients.demo.streams import StreamResult
from clients.messages import Decision, Enrolled, EnrollmentProgress, Outcome, Speaker, Status
from clients.scenarios.report import Attempt, Report
from clients.scenarios.timeline import Timeline
from clients.subscription import Disconnected, Gap
from clients.words import REASONS

_BAR_WIDTH: Final = 30
_LABEL_WIDTH: Final = 9


class PipedConsole(Console):
    """A console whose reader may leave."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process with the status that says that a voice is rejected."""
        leave_unread()


class Terminal:
    """Output for people, also without colours or a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False)

    @property
    def watched(self) -> bool:
        """Whether somebody looks on: output does not go to a file or a pipe."""
        return self._console.is_terminal

    def live(self) -> AbstractContextManager[object]:
        """Show progress within the returned context."""
        return self._live

    def event(self, event: Event) -> None:
        """Show an event as it comes; final ones stay."""
        match event:
            case Enrolled() | Decision(final=True):
                self.show(event)
            case CaptureEvent() | Disconnected() | Gap() if line := event_line(event):
                self._print(line)
            case _:
                self.progress(event, "")

    def progress(self, event: Event, label: str) -> None:
        """Show an event until the next one comes."""
        match event:
            case Decision():
                self._live.update(_row(label, *_running_ratio(event)), refresh=True)
            case CaptureEvent(event=AttemptDecided(decision=decision)):
                self._live.update(_row(label or event.capture, *_running_ratio(decision)), refresh=True)
            case EnrollmentProgress():
                self._live.update(_row(label, *_enrollment_bar(event)), refresh=True)

    def note(self, text: str) -> None:
        """Print a line."""
        self._print(Text(text))

    def show(self, item: Item) -> None:
        """Print a result."""
        match item:
            case Decision():
                self._print(verdict(item))
            case Enrolled():
                self._print(enrolled_lines(item))
            case Speaker():
                self._print(speaker_line(item))
            case Status():
                self._print(_status(item))
            case Capture() | Device():
                self._print(source_line(item))
            case StreamResult():
                self._print(_stream(item))
            case Timeline():
                self._print(timeline_table(item), folded=True)
            case Attempt():
                self._print(_attempt(item))
            case Report():
                self._print(report_table(item), folded=True)
            case _:
                self.progress(item, "")

    def deleted(self, name: str) -> None:
        """Print that a speaker is forgotten."""
        self.note(f"Deleted {name} and everything derived from their voice.")

    def error(self, reason: str, message: str) -> None:
        """Print nothing: the sentence goes to stderr for everyone."""

    def _print(self, renderable: RenderableType, *, folded: bool = False) -> None:
        self._live.update("", refresh=True)
        self._console.print(renderable, soft_wrap=not folded)


def _running_ratio(decision: Decision) -> tuple[str, ProgressBar, str]:
    bar = ProgressBar(total=1.0, completed=decision.posterior if decision.candidates else 0.0, width=_BAR_WIDTH)
    return f"{decision.speaker or 'nobody yet'} {decision.llr:+.1f}", bar, f"{decision.evidence.speech:.1f} s of speech"


def _enrollment_bar(progress: EnrollmentProgress) -> tuple[str, ProgressBar, str]:
    bar = ProgressBar(total=progress.speech + progress.needed, completed=progress.speech, width=_BAR_WIDTH)
    return f"recording {progress.recording}", bar, f"{progress.speech:.1f} s of speech"


def _row(label: str, before: str, bar: ProgressBar, after: str) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(Text(f"{label:{_LABEL_WIDTH}}" if label else ""), Text(before), bar, Text(after))
    return row


def _status(status: Status) -> Text:
    facts = {
        "version": status.version,
        "model": f"{status.model_id} ({status.backend})",
        "uptime": str(timedelta(seconds=int(status.uptime))),
        "speakers": str(status.speakers),
        "streams": f"{status.active_streams} of {status.max_streams}",
        "targets": f"per attempt, {status.false_accept_rate:.2%} false accepts and {status.false_reject_rate:.2%} false rejects",
        "decisions": f"accept from an LLR of {status.accept_llr:+.2f} on, reject up to {status.reject_llr:+.2f}",
    }
    return Text("\n".join(f"{name:11}{value}" for name, value in facts.items()))


def _stream(result: StreamResult) -> Text:
    mark = ("as expected", "green") if result.as_expected else (f"expected {result.stream.expected.value}", "bold red")
    name = f"{result.stream.name:{_LABEL_WIDTH}} "
    return Text.assemble(name, styled_outcome(result.decision), " (", mark, f"): {why(result.decision)}")


def _attempt(attempt: Attempt) -> Text:
    who = f" {attempt.speaker}" if attempt.outcome is Outcome.ACCEPT else ""
    why = f"{who}: {REASONS[attempt.reason]} (LLR {attempt.llr:+.1f}, after {attempt.speech:.1f} s of speech)"
    return Text.assemble(f"{attempt.at:8.2f} s  ", (attempt.outcome.value, STYLES[attempt.outcome]), why)
