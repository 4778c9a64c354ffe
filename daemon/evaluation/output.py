"""What is measured, for people: a few short tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table

from daemon.evaluation.changes import Changes
from daemon.evaluation.figures import Identification, Times, Verification
from daemon.evaluation.intervals import Frequency, Rate
from daemon.evaluation.report import Report, Setup, keeps
from daemon.evaluation.watching import Alarms


def as_tables(report: Report) -> Group:
    """Return all that people are told."""
    tables: list[RenderableType] = [_attempts(report), _times(report), _identified(report.identification, report.setup)]
    if len(report.by_corpus) > 1:
        tables.append(_corpora(report))
    if report.changes:
        tables.append(_changes(report.changes))
    if report.noise:
        tables.append(_alarms(report.noise))
    return Group(*tables, *_notes(report))


def _attempts(report: Report) -> Table:
    figures, setup = report.verification, report.setup
    sound = "as recorded" if setup.snr is None else f"in noise, {setup.snr:g} dB below the speech"
    table = _rates(f"one claimed voice, {figures.n_target:,} target and {figures.n_nontarget:,} non-target attempts, {sound}")
    _add(table, "false accepts", figures.far, setup.far)
    _add(table, "false rejects", figures.frr, setup.frr)
    _add(table, "target attempts accepted", figures.accepted)
    _add(table, "non-target attempts rejected", figures.rejected)
    _add(table, "undecided", figures.undecided)
    _add(table, "  of target attempts", figures.undecided_target)
    _add(table, "  of non-target attempts", figures.undecided_nontarget)
    return table


def _times(report: Report) -> Table:
    table = _table("seconds of speech until", "median", "90th percentile", "attempts", title="")
    for name, times in (("accept", report.verification.seconds_to_accept), ("reject", report.verification.seconds_to_reject)):
        table.add_row(f"{name} ({'target' if name == 'accept' else 'non-target'})", *_seconds(times), f"{times.n:,}")
    return table


def _identified(figures: Identification, setup: Setup) -> Table:
    table = _rates(
        f"anybody of {figures.enrolled:.0f} voices, {figures.n_known:,} attempts of one of them, {figures.n_unknown:,} of others"
    )
    _add(table, "accepted as who they are", figures.recognised)
    _add(table, "accepted as somebody else", figures.mistaken)
    _add(table, "rejected", figures.rejected)
    _add(table, "ambiguous", figures.ambiguous)
    _add(table, "undecided", figures.undecided)
    _add(table, "others: accepted", figures.accepted_unknown, setup.far)
    _add(table, "others: ambiguous", figures.ambiguous_unknown)
    _add(table, "others: undecided", figures.undecided_unknown)
    return table


def _corpora(report: Report) -> Table:
    table = _table("corpus", "false accepts", "false rejects", "undecided", "accept, s", "reject, s", title="by corpus")
    for corpus, figures in report.by_corpus.items():
        table.add_row(corpus, *_corpus(figures))
    return table


def _corpus(figures: Verification) -> Iterator[str]:
    for rate in (figures.far, figures.frr, figures.undecided):
        yield f"{_percent(rate)} ({_interval(rate)})"
    yield _seconds(figures.seconds_to_accept)[0]
    yield _seconds(figures.seconds_to_reject)[0]


def _changes(changes: Changes) -> Table:
    headings = ("streams", "followed", "noticed", "median, s", "p90, s", "false/hour", "95 %")
    table = _table("", *headings, title="changes of speaker, seconds of the other's speech")
    counts = (f"{count:,}" for count in (changes.streams, changes.followed, changes.noticed))
    table.add_row("another", *counts, *_seconds(changes.seconds_to_notice), *_per_hour(changes.false_changes))
    return table


def _alarms(noise: Mapping[str, Alarms]) -> Table:
    table = _table("nobody who is enrolled", "hours", "attempts", "accepted", "per hour", "95 %", title="false alarms")
    for kind, alarms in noise.items():
        accepts = alarms.accepts
        table.add_row(kind, f"{accepts.hours:.2f}", f"{alarms.attempts:,}", f"{accepts.count:,}", *_per_hour(accepts))
    return table


def _notes(report: Report) -> Iterator[str]:
    enrollments = report.enrollments
    yield f"{enrollments.enrolled} voices enrolled with {report.setup.model_id}"
    for reason, count in enrollments.refused.items():
        yield f"the daemon would have refused {count} of them: {reason}"
    if enrollments.impossible:
        yield f"{enrollments.impossible} could not be enrolled: too little speech"
    if report.left_out:
        yield f"nobody to enroll: {', '.join(report.left_out)}"
    for kind, reasons in report.reasons.items():
        counts = ", ".join(f"{name} {count:,}" for name, count in reasons.items())
        yield f"{kind.replace('nontarget', 'non-target')} attempts ended with {counts}"


def _rates(title: str) -> Table:
    return _table("attempts", "%", "95 %", "target", "", "errors", "interval", title=title)


def _table(first: str, *others: str, title: str) -> Table:
    # As narrow as it gets, for the figures to fit into 80 columns.
    table = Table(first, title=title, title_justify="left", box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _add(table: Table, name: str, rate: Rate, target: float | None = None) -> None:
    kept = {True: "kept", False: "missed", None: ""}[None if target is None else keeps(rate, target)]
    aim = "" if target is None else f"{100.0 * target:g}"
    table.add_row(name, _percent(rate), _interval(rate), aim, kept, f"{rate.count:,}", rate.method)


def _percent(rate: Rate) -> str:
    return "-" if rate.rate is None else f"{100.0 * rate.rate:.2f}"


def _interval(rate: Rate) -> str:
    return "-" if rate.interval is None else "{:.2f}-{:.2f}".format(*(100.0 * end for end in rate.interval))


def _seconds(times: Times) -> tuple[str, str]:
    median, p90 = ("-" if value is None else f"{value:.2f}" for value in (times.median, times.p90))
    return median, p90


def _per_hour(accepts: Frequency) -> tuple[str, str]:
    if accepts.per_hour is None or accepts.interval is None:
        return "-", "-"
    return f"{accepts.per_hour:.2f}", "{:.2f}-{:.2f}".format(*accepts.interval)
