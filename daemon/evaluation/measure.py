"""The whole measurement: enroll, try everybody's recordings, and count; then hours of noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from daemon.errors import EvaluationError
from daemon.evaluation.alarms import false_alarms
from daemon.evaluation.attempts import CorpusAttempts
from daemon.evaluation.bench import Setting, workers
from daemon.evaluation.changes import changes
from daemon.evaluation.corpus import CorpusEnrolled, enroll_corpus, try_corpus
from daemon.evaluation.figures import curve, identification, reasons, verification
from daemon.evaluation.report import Enrollments, Report, Setup
from models.evaluate.trials import build_trials
from models.manifest import Recording


@dataclass(frozen=True)
class Plan:
    """What is measured beside the attempts.

    noises: recordings of noise. hours: for so long noise is heard, made-up streams included; 0 for not at all. changes: in so many
    rounds, changes of speaker are followed; 0 for none.
    """

    noises: tuple[Path, ...] = ()
    hours: float = 0.0
    changes: int = 0
    seed: int = 0


def measure(recordings: Sequence[Recording], setting: Setting, plan: Plan, jobs: int = 1) -> Report:
    """Measure decisions on recordings as `models.evaluate.trials.build_trials` uses them.

    Raises `EvaluationError` where nobody can be enrolled or a file cannot be read, `ConditionError` where a noise cannot be used.
    """
    with workers(setting, jobs) as work:
        enrolled = [enroll_corpus(trials, recordings, work) for trials in build_trials(recordings)]
        if not any(corpus.roster.speakers for corpus in enrolled):
            raise EvaluationError(
                "nobody can be enrolled: the manifest must list four recordings or more of a speaker, three to enroll them"
            )
        kept = [corpus for corpus in enrolled if corpus.roster.speakers]
        tried = [try_corpus(corpus, recordings, work) for corpus in kept]
        noticed = changes(kept, recordings, work, plan.seed, plan.changes) if plan.changes else None
    speakers = [speaker for corpus in kept for speaker in corpus.roster.speakers]
    heard = false_alarms(speakers, recordings, setting, plan.noises, plan.hours, plan.seed) if plan.hours else None
    return replace(_report(setting, plan, enrolled, tried), changes=noticed, noise=heard)


def _report(setting: Setting, plan: Plan, enrolled: Sequence[CorpusEnrolled], tried: Sequence[CorpusAttempts]) -> Report:
    decision, condition, seed = setting.config.decision, setting.condition, plan.seed
    made = [enrollment for corpus in enrolled for enrollment in corpus.enrollments]
    far, frr, most = decision.false_accept_rate, decision.false_reject_rate, decision.speech_seconds
    return Report(
        setup=Setup(setting.calibration.model_id, far, frr, most, condition.value if condition else None, seed),
        enrollments=Enrollments(
            enrolled=sum(enrollment.speaker is not None for enrollment in made),
            refused=dict(Counter(enrollment.refused for enrollment in made if enrollment.refused).most_common()),
            impossible=sum(enrollment.speaker is None for enrollment in made),
        ),
        verification=verification(tried, seed),
        identification=identification(tried, seed),
        by_corpus={corpus.trials.corpus: verification([corpus], seed) for corpus in tried},
        left_out=tuple(corpus.trials.corpus for corpus in enrolled if not corpus.roster.speakers),
        reasons={"target": reasons(tried, target=True), "nontarget": reasons(tried, target=False)},
        curve=curve(tried, most),
    )
