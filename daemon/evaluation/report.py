"""What is measured, and what of it goes into JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from daemon.evaluation.changes import Changes
from daemon.evaluation.figures import Curve, Identification, Verification
from daemon.evaluation.intervals import Rate
from daemon.evaluation.watching import Alarms


@dataclass(frozen=True)
class Setup:
    """What was measured: the model, the targets per attempt, the most seconds of speech of an attempt, what was added to attempts."""

    model_id: str
    far: float
    frr: float
    speech_seconds: float
    snr: float | None
    seed: int


@dataclass(frozen=True)
class Enrollments:
    """How many people were enrolled, how many of them the daemon would refuse by reason, and how many could not be at all."""

    enrolled: int
    refused: Mapping[str, int]
    impossible: int


@dataclass(frozen=True)
class Report:
    """All figures. by_corpus: verification alone. left_out: corpora in which nobody could be enrolled. reasons: why claims ended, by kind.

    noise: false alarms by kind of stream. Both `noise` and `changes` are None where they were not measured.
    """

    setup: Setup
    enrollments: Enrollments
    verification: Verification
    identification: Identification
    by_corpus: Mapping[str, Verification]
    left_out: tuple[str, ...]
    reasons: Mapping[str, Mapping[str, int]]
    curve: Curve
    changes: Changes | None = None
    noise: Mapping[str, Alarms] | None = None


def as_json(report: Report) -> dict[str, object]:
    """Return the figures under the names that docs/decisions.md tells."""
    return {
        **_verification(report.verification, report.setup),
        "identification": _identification(report.identification, report.setup),
        "changes": report.changes and asdict(report.changes),
        "noise": report.noise and {kind: asdict(alarms) for kind, alarms in report.noise.items()},
        "by": {"corpus": {corpus: _verification(figures, report.setup) for corpus, figures in report.by_corpus.items()}},
        "left_out": list(report.left_out),
        "reasons": report.reasons,
        "curve": asdict(report.curve),
        "enrollments": asdict(report.enrollments),
        "setup": asdict(report.setup),
    }


def keeps(rate: Rate, target: float) -> bool | None:
    """Tell whether a rate may be as low as its target: None where nothing was tried."""
    return None if rate.interval is None else rate.interval[0] <= target


def _verification(figures: Verification, setup: Setup) -> dict[str, object]:
    undecided = _rate(figures.undecided)
    undecided |= {"target_attempts": _rate(figures.undecided_target), "nontarget_attempts": _rate(figures.undecided_nontarget)}
    return {
        "far": _aimed(figures.far, setup.far),
        "frr": _aimed(figures.frr, setup.frr),
        "undecided": undecided,
        "accepted": _rate(figures.accepted),
        "rejected": _rate(figures.rejected),
        "seconds_to_accept": asdict(figures.seconds_to_accept),
        "seconds_to_reject": asdict(figures.seconds_to_reject),
        "n_target": figures.n_target,
        "n_nontarget": figures.n_nontarget,
    }


def _identification(figures: Identification, setup: Setup) -> dict[str, object]:
    known = {name: _rate(getattr(figures, name)) for name in ("recognised", "mistaken", "rejected", "ambiguous", "undecided")}
    unknown = {name: _rate(getattr(figures, f"{name}_unknown")) for name in ("rejected", "ambiguous", "undecided")}
    return {
        "known": known,
        "unknown": {"accepted": _aimed(figures.accepted_unknown, setup.far)} | unknown,
        "enrolled": figures.enrolled,
        "n_known": figures.n_known,
        "n_unknown": figures.n_unknown,
    }


def _aimed(rate: Rate, target: float) -> dict[str, object]:
    return _rate(rate) | {"target": target, "keeps_target": keeps(rate, target)}


def _rate(rate: Rate) -> dict[str, object]:
    return asdict(rate)
